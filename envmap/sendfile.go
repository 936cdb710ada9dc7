package envmap

import (
	"context"
	"errors"
	"io"
)

var errFileRange = errors.New("envmap: a file's offset and the end of what is sent of it must lie in 0..2^63-1")

// SendFile makes count bytes of file, from offset on, the next part of the response body; count < 0 is all up to the end
// that the file has now. The file's position is neither used nor moved. It seals the head, as Write does, and returns
// when nobody uses the file any more: it may then be closed, changed or removed. ctx ends it before that, as does the
// client's leaving; the response is then cut short, as it is when the file turns out to have fewer bytes. Through a
// writer that was assigned to "owin.ResponseBody" the bytes are copied. Errors as Write, and those of the file.
func (e Env) SendFile(ctx context.Context, file File, offset, count int64) error {
	if count < 0 && offset >= 0 {
		info, err := file.Stat()
		if err != nil {
			return err
		}
		count = max(0, info.Size()-offset)
	}
	if offset < 0 || count < 0 || offset+count < 0 {
		return errFileRange
	}
	switch w := e.sink().(type) {
	case nil, responseBody:
	default:
		return copyFile(ctx, w, file, offset, count)
	}
	s, err := e.open()
	if err != nil {
		return err
	}
	defer s.write.Unlock()
	r := &s.response
	if err := r.check(int(count)); err != nil {
		return err
	}
	if r.isHead || count == 0 {
		r.written += count
		return nil
	}
	if err := s.release(); err != nil {
		return err
	}
	if err := s.ex.SendFile(ctx, file, offset, count); err != nil {
		s.fail(err)
		return err
	}
	r.written += count
	return nil
}

// copyFile writes a part of a file to a writer of the application's.
func copyFile(ctx context.Context, w io.Writer, file File, offset, count int64) error {
	n, err := io.Copy(w, untilDone{ctx, io.NewSectionReader(file, offset, count)})
	if err == nil && n < count {
		err = io.ErrUnexpectedEOF
	}
	return err
}

// untilDone is a reader that ends with its context.
type untilDone struct {
	ctx context.Context
	r   io.Reader
}

func (u untilDone) Read(p []byte) (int, error) {
	if err := context.Cause(u.ctx); err != nil {
		return 0, err
	}
	return u.r.Read(p)
}
