package bridge

import (
	"context"
	"errors"
	"io"
	"os"
	"reflect"
	"syscall"

	"golang.org/x/sys/unix"

	"ringway/envmap"
	"ringway/ring"
)

// ErrFileCut means that the gateway could not send all of a file that it was given: the file has become shorter, or
// cannot be read. The answer is cut.
var ErrFileCut = errors.New("bridge: the file could not be sent to its end")

// leastFile is the size from which on a file goes by its descriptor. Measured with 16 connections, below about 128 KiB the
// ways between three threads cost more than copying does.
const leastFile = 128 << 10

// osFile is an *os.File, or what package os makes of it when io.Copy has asked it to write itself to us.
type osFile interface {
	envmap.File
	io.Seeker
	syscall.Conn
}

// fileBehind gives the file that v is; nil if it is none. Other types may have embedded one and read it in a way of their
// own.
func fileBehind(v any) osFile {
	if _, ok := v.(*os.File); !ok && (v == nil || reflect.TypeOf(v).PkgPath() != "os") {
		return nil
	}
	f, _ := v.(osFile)
	return f
}

// sendFile makes a part of a file the next part of the body, and returns when nobody uses the file any more.
func (s *sender) sendFile(ctx context.Context, f envmap.File, offset, count int64) error {
	if file := fileBehind(f); file != nil {
		if taken, err := s.handOver(ctx, file, offset, count); taken || err != nil {
			return err
		}
	}
	return s.copyFile(ctx, f, offset, count)
}

// copyFile reads the bytes into the memory that the response is sent from.
func (s *sender) copyFile(ctx context.Context, f io.ReaderAt, offset, count int64) error {
	for sent := int64(0); sent < count; {
		if err := context.Cause(ctx); err != nil {
			return err
		}
		room, err := s.reserve(int(min(count-sent, ring.MaxBlock)))
		if err != nil {
			return err
		}
		n, err := f.ReadAt(room, offset+sent)
		if cerr := s.commit(n); cerr != nil {
			return cerr
		}
		sent += int64(n)
		switch {
		case err == io.EOF && sent < count:
			return io.ErrUnexpectedEOF
		case err != nil && err != io.EOF:
			return err
		}
	}
	return nil
}

// handOver gives the gateway a descriptor of the file and waits until it has let go of it. taken is false if it has none:
// the file is not one for that, or too many are under way; then nothing has happened that copying would not begin with.
func (s *sender) handOver(ctx context.Context, file osFile, offset, count int64) (taken bool, err error) {
	if count < leastFile || !isSendable(file, offset, count) {
		return false, nil
	}
	if err := context.Cause(ctx); err != nil {
		return false, err
	}
	if s.sniff && !s.begun && len(s.small) == 0 && !s.hasBlock {
		var first [512]byte
		n, _ := file.ReadAt(first[:], offset)
		s.typed(first[:n])
	}
	number, sent, err := s.sendDescriptor(file)
	if !sent || err != nil {
		return false, err
	}
	l := s.ex.lane
	l.lock()
	defer l.unlock()
	e := s.event(ring.EventResponseFile, 0)
	e.Credit, e.Total = number, uint64(count)
	e.FileLow, e.FileHigh = uint32(offset), uint32(offset>>32)
	s.ex.filing = true
	if err := s.publish(&e); err != nil {
		return true, err
	}
	return true, s.awaitFile(ctx)
}

// isSendable reports whether the gateway would take the file: a regular one that can be read and has that part.
func isSendable(file osFile, offset, count int64) bool {
	info, err := file.Stat()
	if err != nil || !info.Mode().IsRegular() || offset > info.Size() || count > info.Size()-offset {
		return false
	}
	raw, err := file.SyscallConn()
	if err != nil {
		return false
	}
	flags := -1
	err = raw.Control(func(fd uintptr) {
		if got, err := unix.FcntlInt(fd, unix.F_GETFL, 0); err == nil {
			flags = got
		}
	})
	return err == nil && flags >= 0 && flags&unix.O_ACCMODE != unix.O_WRONLY && flags&unix.O_PATH == 0
}

// sendDescriptor publishes what comes before the file and sends a descriptor of it, unless too many are under way or the
// socket is full.
func (s *sender) sendDescriptor(file osFile) (number uint32, sent bool, err error) {
	l := s.ex.lane
	if s.hasBlock {
		if err := s.putBlock(); err != nil {
			return 0, false, err
		}
	}
	if !s.begun {
		s.typed(s.small)
	}
	l.lock()
	if s.begun && len(s.small) == 0 {
		err = s.writable()
	} else {
		err = s.publishSmallLocked(0)
	}
	if err == nil && l.files < ring.LaneFiles {
		l.files++
		sent = true
	}
	if !sent || err != nil {
		l.unlock()
		return 0, false, err
	}
	due := l.unlockQuietly() // the descriptor's byte wakes as well
	l.sending.Lock()
	number = l.nextFile
	if sent = l.socket.SendFile(file) == nil; sent { // else copying shows what is wrong, if anything is
		l.nextFile++
	}
	l.sending.Unlock()
	if !sent {
		if due {
			l.socket.Signal()
		}
		l.lock()
		l.files--
		l.unlock()
	}
	return number, sent, nil
}

// awaitFile waits until the gateway has let go of the file, and asks it to if ctx or the write deadline ends that before.
// The lane is locked.
func (s *sender) awaitFile(ctx context.Context) error {
	ex, l := s.ex, s.ex.lane
	if ctx.Done() != nil {
		defer context.AfterFunc(ctx, ex.lookAgain)()
	}
	var stopped error
	for ex.filing && !l.closed {
		if stopped == nil {
			if stopped = context.Cause(ctx); stopped == nil && passed(ex.deadlines.write) {
				stopped = os.ErrDeadlineExceeded
			}
			if stopped != nil {
				e := s.event(ring.EventFileStop, 0)
				_ = s.publish(&e) // it fails only when the gateway is gone
				continue          // publishing may have let go of the lane
			}
		}
		ex.await()
	}
	switch {
	case ex.filing:
		return ErrGatewayGone
	case ex.fileStatus == ring.FileSent:
		return nil
	case ex.cancelled != nil:
		return ex.cancelled
	case stopped != nil:
		return stopped
	}
	return ErrFileCut
}
