package system

import (
	"os/exec"
	"runtime"
	"sync"
)

var spawner = sync.OnceValue(func() chan func() {
	requests := make(chan func())
	go func() {
		// The kernel ties the end of children to the thread that started them, so it has to stay.
		runtime.LockOSThread()
		for request := range requests {
			request()
		}
	}()
	return requests
})

func startFromKeptThread(command *exec.Cmd) error {
	result := make(chan error, 1)
	spawner() <- func() { result <- command.Start() }
	return <-result
}
