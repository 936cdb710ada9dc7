package bridge

import (
	"context"
	"io"
	"math"
)

// sendFrom sends by its descriptor what src still has of a large regular file, and moves the file's position as reading
// does. over: there is nothing left to read. What it leaves, all or a rest, is to be copied. w.mu is held.
func (w *response) sendFrom(src io.Reader) (sent int64, over bool, err error) {
	limit := int64(math.MaxInt64)
	limited, isLimited := src.(*io.LimitedReader)
	if isLimited {
		src, limit = limited.R, limited.N
	}
	file := fileBehind(src)
	if file == nil || limit < leastFile {
		return 0, false, nil
	}
	if _, err := w.admit(0); err != nil {
		return 0, false, err
	}
	if w.isHead || !w.bodyAllowed() {
		return 0, false, nil
	}
	if w.declared >= 0 {
		limit = min(limit, w.declared-w.written)
	}
	offset, err := file.Seek(0, io.SeekCurrent)
	if err != nil {
		return 0, false, nil // a pipe, say
	}
	info, err := file.Stat()
	if err != nil {
		return 0, false, nil
	}
	count := min(limit, info.Size()-offset)
	taken, err := w.sender.handOver(context.Background(), file, offset, count)
	if !taken || err != nil {
		return 0, false, err
	}
	w.written += count
	if isLimited {
		limited.N -= count
	}
	if _, err := file.Seek(offset+count, io.SeekStart); err != nil {
		return count, true, err
	}
	return count, isLimited && limited.N == 0, nil
}
