package bridge

import (
	"errors"
	"io"
	"net/http"
)

var errNegativeRead = errors.New("bridge: reader returned a negative count")

// Reserve gives memory of the response to fill; see BlockWriter.
func (w *response) Reserve(n int) ([]byte, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, err := w.admit(0); err != nil {
		return nil, err
	}
	if n <= 0 {
		return nil, ErrReserve
	}
	if !w.bodyAllowed() {
		return nil, http.ErrBodyNotAllowed
	}
	if w.declared >= 0 {
		if w.written >= w.declared {
			return nil, http.ErrContentLength
		}
		n = int(min(int64(n), w.declared-w.written))
	}
	if w.isHead {
		w.reserved = true
		return make([]byte, min(n, smallBody)), nil
	}
	room, err := w.sender.reserve(n)
	w.reserved = err == nil
	return room, err
}

// Commit makes reserved bytes part of the body.
func (w *response) Commit(n int) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ended {
		return ErrEnded
	}
	if !w.reserved {
		return ErrReserve
	}
	w.reserved = false
	if n < 0 {
		return ErrReserve
	}
	w.written += int64(n)
	if w.isHead {
		return nil
	}
	return w.sender.commit(n)
}

// ReadFrom writes what src gives, read straight into the memory that the response is sent from once it is more than a
// few KiB. io.Copy uses it. What a regular file still has, also behind an io.LimitedReader, goes by its descriptor if it
// is large, and ReadFrom returns when the gateway has let go of the file.
func (w *response) ReadFrom(src io.Reader) (int64, error) {
	w.mu.Lock()
	total, over, err := w.sendFrom(src)
	mem := w.smallRoom(total)
	w.mu.Unlock()
	if over || err != nil {
		return total, err
	}
	for mem != nil {
		// A short source should not take a whole block.
		n, err := src.Read(mem)
		if n < 0 {
			return total, errNegativeRead
		}
		total += int64(n)
		if n > 0 {
			if _, werr := w.Write(mem[:n]); werr != nil {
				return total, werr
			}
		}
		if err != nil {
			return total, endOf(err)
		}
		if total >= smallBody/2 {
			break
		}
	}
	for {
		room, err := w.Reserve(64 << 10)
		if errors.Is(err, http.ErrContentLength) {
			return total, w.expectEnd(src)
		}
		if err != nil {
			return total, err
		}
		n, err := src.Read(room)
		if n < 0 || n > len(room) {
			_ = w.Commit(0)
			return total, errNegativeRead
		}
		total += int64(n)
		if cerr := w.Commit(n); cerr != nil {
			return total, cerr
		}
		if err != nil {
			return total, endOf(err)
		}
	}
}

// smallRoom gives memory for the first, small reads of ReadFrom; nil if the response is past that. Behind bytes of a
// file that were sent, most often the end is all that comes.
func (w *response) smallRoom(sent int64) []byte {
	switch {
	case w.ended || w.reserved || w.declared >= 0 && w.written >= w.declared:
		return nil
	case sent > 0:
		return make([]byte, 512)
	case w.written > 0:
		return nil
	}
	return make([]byte, smallBody)
}

// expectEnd reads past a body of the declared length: anything more is too much.
func (w *response) expectEnd(src io.Reader) error {
	var one [1]byte
	for {
		n, err := src.Read(one[:])
		if n > 0 {
			return http.ErrContentLength
		}
		if err != nil {
			return endOf(err)
		}
	}
}

func endOf(err error) error {
	if err == io.EOF {
		return nil
	}
	return err
}
