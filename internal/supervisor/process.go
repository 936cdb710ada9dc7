package supervisor

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"slices"
	"sync"
	"syscall"
	"time"
)

// Process is a started worker process.
type Process interface {
	Pid() int
	// Wait returns once it has ended, with its exit status or signal in words. It is called once.
	Wait() (exit string)
	Signal(os.Signal) error
}

// outputGrace is how long output is still read after a process ended: its own children may hold the pipe open.
const outputGrace = time.Second

// command is what every process of a supervisor is started from.
type command struct {
	argv       []string
	env        []string
	mark       func(serial int) string
	release    func() string
	credential *syscall.Credential
	log        *slog.Logger
}

// osProcess is a real child process.
type osProcess struct {
	cmd    *exec.Cmd
	pipes  []*os.File
	output sync.WaitGroup
}

// start starts the command. The kernel kills the child when the calling thread ends (Pdeathsig), so that a gateway that
// is killed leaves no orphans: Preconditions: the caller runs on a locked OS thread that outlives the child.
func (c *command) start(slot, serial int) (Process, error) {
	process := &osProcess{cmd: exec.Command(c.argv[0], c.argv[1:]...)}
	process.cmd.Env = c.env
	if c.mark != nil {
		process.cmd.Env = append(slices.Clip(c.env), c.mark(serial))
	}
	process.cmd.SysProcAttr = &syscall.SysProcAttr{
		Pdeathsig:  syscall.SIGKILL,
		Credential: c.credential,
		// A group of its own, so that an interrupt typed at the terminal reaches the gateway alone, which lets its
		// workers go in order.
		Setpgid: true,
	}
	var ends []*os.File
	closeEnds := func() {
		for _, end := range ends {
			_ = end.Close()
		}
	}
	type stream struct {
		name   string
		reader *os.File
	}
	var streams []stream
	for _, target := range []struct {
		name   string
		writer *io.Writer
	}{{"stdout", &process.cmd.Stdout}, {"stderr", &process.cmd.Stderr}} {
		reader, writer, err := os.Pipe()
		if err != nil {
			closeEnds()
			process.closePipes()
			return nil, fmt.Errorf("pipe for the worker's %s: %w", target.name, err)
		}
		*target.writer = writer
		ends = append(ends, writer)
		process.pipes = append(process.pipes, reader)
		streams = append(streams, stream{target.name, reader})
	}
	err := process.cmd.Start()
	closeEnds()
	if err != nil {
		process.closePipes()
		return nil, startError(c.argv[0], err)
	}
	for _, stream := range streams {
		log := c.log.With("slot", slot, "worker_pid", process.Pid(), "stream", stream.name)
		process.output.Go(func() {
			// A read error means that the pipe was closed after the grace time.
			_ = readLines(stream.reader, func(line []byte) {
				if c.release != nil {
					log.Info("worker output", "release", c.release(), "line", string(line))
				} else {
					log.Info("worker output", "line", string(line))
				}
			})
		})
	}
	return process, nil
}

func (p *osProcess) Pid() int { return p.cmd.Process.Pid }

func (p *osProcess) Signal(signal os.Signal) error { return p.cmd.Process.Signal(signal) }

func (p *osProcess) Wait() string {
	err := p.cmd.Wait()
	read := make(chan struct{})
	go func() {
		p.output.Wait()
		close(read)
	}()
	select {
	case <-read:
	case <-time.After(outputGrace):
	}
	p.closePipes()
	<-read
	return describe(p.cmd.ProcessState, err)
}

func (p *osProcess) closePipes() {
	for _, pipe := range p.pipes {
		_ = pipe.Close()
	}
}

// describe says how a process ended: its exit status or the signal that ended it.
func describe(state *os.ProcessState, err error) string {
	if state == nil {
		return fmt.Sprintf("unknown: %v", err)
	}
	if status, ok := state.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		text := fmt.Sprintf("signal: %s", status.Signal())
		if status.CoreDump() {
			text += ", core dumped"
		}
		return text
	}
	return fmt.Sprintf("exit status %d", state.ExitCode())
}

// startError names the executable and the reason, without the name of the system call.
func startError(path string, err error) error {
	var named *os.PathError
	if errors.As(err, &named) {
		err = named.Err
	}
	if _, statErr := os.Stat(path); statErr == nil && errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("worker %q cannot start: its interpreter does not exist (%w), expected an executable that this host can run", path, err)
	}
	return fmt.Errorf("worker %q cannot start: %w, expected an executable that this host can run", path, err)
}
