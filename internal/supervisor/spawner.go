package supervisor

import "runtime"

// spawner starts processes from one OS thread that lives until close.
type spawner struct {
	requests chan spawnRequest
}

type spawnRequest struct {
	slot, serial int
	reply        chan<- spawnReply
}

type spawnReply struct {
	process Process
	err     error
}

func newSpawner(startProcess func(slot, serial int) (Process, error)) *spawner {
	s := &spawner{requests: make(chan spawnRequest)}
	go func() {
		// Not unlocked: the thread ends with the goroutine, after the last child did.
		runtime.LockOSThread()
		for request := range s.requests {
			process, err := startProcess(request.slot, request.serial)
			request.reply <- spawnReply{process, err}
		}
	}()
	return s
}

func (s *spawner) start(slot, serial int) (Process, error) {
	reply := make(chan spawnReply, 1)
	s.requests <- spawnRequest{slot, serial, reply}
	answer := <-reply
	return answer.process, answer.err
}

func (s *spawner) close() { close(s.requests) }
