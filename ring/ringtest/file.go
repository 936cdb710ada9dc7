package ringtest

import (
	"io"
	"os"
	"sync"

	"ringway/ring"
)

// files are the descriptors that the worker has sent.
type files struct {
	mu       sync.Mutex
	next     uint32
	received map[uint32]*os.File
	keep     bool // sends none until told to
	refuse   bool // sends none at all
}

// file is one that an event has named.
type file struct {
	*os.File
	offset, count int64
}

func (f *files) take(fd int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.received == nil {
		f.received = make(map[uint32]*os.File)
	}
	f.received[f.next] = os.NewFile(uintptr(fd), "from the worker")
	f.next++
}

func (f *files) named(number uint32) *os.File {
	f.mu.Lock()
	defer f.mu.Unlock()
	got := f.received[number]
	delete(f.received, number)
	return got
}

func (f *files) close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, file := range f.received {
		_ = file.Close()
	}
}

// fileEvent takes the file that a RESPONSE_FILE names, by the rules of 3.9.
func (gw *Gateway) fileEvent(ex *Exchange, e *ring.Event) {
	if err := gw.socket.ReceiveFiles(); err != nil {
		gw.fail("RESPONSE_FILE: %w", err)
		return
	}
	named := gw.files.named(e.Credit)
	switch {
	case named == nil:
		gw.fail("RESPONSE_FILE names descriptor %d, which was never sent", e.Credit)
	case !ex.Answer.Begun:
		gw.fail("RESPONSE_FILE before RESPONSE")
	case ex.file != nil:
		gw.fail("RESPONSE_FILE before the last file was done")
	default:
		ex.Answer.Files++
		ex.Answer.Events++
		ex.file = &file{named, int64(uint64(e.FileHigh)<<32 | uint64(e.FileLow)), int64(e.Total)}
		switch {
		case gw.files.refuse:
			ex.fileOver(ring.FileCut)
		case !gw.files.keep:
			ex.sendFile()
		}
	}
}

// sendFile adds the file's part to the answer.
func (ex *Exchange) sendFile() {
	part, err := io.ReadAll(io.NewSectionReader(ex.file, ex.file.offset, ex.file.count))
	ex.Answer.Body = append(ex.Answer.Body, part...)
	status := ring.FileSent
	if err != nil || int64(len(part)) < ex.file.count {
		status = ring.FileCut
	}
	ex.fileOver(status)
}

// fileOver lets go of the file.
func (ex *Exchange) fileOver(status uint16) {
	_ = ex.file.Close()
	ex.file = nil
	ex.fileDone = status
	ex.payFile()
}

// payFile publishes the FILE_DONE that is due, if no CREDIT or FILE_DONE of the slot is unconsumed (L5).
func (ex *Exchange) payFile() {
	if ex.fileDone == 0 || ex.ended || !ex.creditFree() {
		return
	}
	e := ring.Event{Kind: ring.EventFileDone, Exchange: ex.slot, Generation: ex.generation, Status: ex.fileDone}
	e.SetHead(ring.NoRef)
	e.SetBody(ring.NoRef)
	ex.fileDone, ex.hasCredit, ex.creditAt = 0, true, ex.gw.Lane.Published()
	ex.gw.publish(&e)
}

// KeepFiles holds files back that come from now on, until SendFiles.
func (gw *Gateway) KeepFiles() {
	gw.mu.Lock()
	defer gw.mu.Unlock()
	gw.files.keep = true
}

// RefuseFiles answers each file that comes from now on as one that cannot be sent.
func (gw *Gateway) RefuseFiles() {
	gw.mu.Lock()
	defer gw.mu.Unlock()
	gw.files.refuse = true
}

// SendFiles sends the files that were held back.
func (gw *Gateway) SendFiles() {
	gw.mu.Lock()
	defer gw.unlock()
	gw.files.keep = false
	for _, ex := range gw.slots {
		if ex != nil && ex.file != nil {
			ex.sendFile()
		}
	}
	gw.cond.Broadcast()
}

// DropFile lets go of the exchange's file without having sent it, as after its client has gone.
func (ex *Exchange) DropFile() {
	ex.gw.mu.Lock()
	defer ex.gw.unlock()
	if ex.file != nil {
		ex.fileOver(ring.FileCut)
	}
}
