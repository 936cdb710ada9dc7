package bridge

import (
	"context"
	"io"

	"ringway/envmap"
	"ringway/ring"
)

// sendFile makes a part of a file the next part of the body, and returns when nobody uses the file any more.
func (s *sender) sendFile(ctx context.Context, f envmap.File, offset, count int64) error {
	_, err := s.copyFile(ctx, f, offset, count)
	return err
}

// copyFile reads the bytes into the memory that the response is sent from, and counts them.
func (s *sender) copyFile(ctx context.Context, f envmap.File, offset, count int64) (sent int64, err error) {
	for sent < count {
		if err := context.Cause(ctx); err != nil {
			return sent, err
		}
		room, err := s.reserve(int(min(count-sent, ring.MaxBlock)))
		if err != nil {
			return sent, err
		}
		n, err := f.ReadAt(room, offset+sent)
		if cerr := s.commit(n); cerr != nil {
			return sent, cerr
		}
		sent += int64(n)
		switch {
		case err == io.EOF && sent < count:
			return sent, io.ErrUnexpectedEOF
		case err != nil && err != io.EOF:
			return sent, err
		}
	}
	return sent, nil
}
