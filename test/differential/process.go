package differential

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"os/exec"
)

// process is a program that runs as a filter: length-prefixed inputs in, a length-prefixed answer out for each.
type process struct {
	command *exec.Cmd
	in      io.WriteCloser
	out     *bufio.Reader
}

func start(name string, arguments ...string) (*process, error) {
	command := exec.Command(name, arguments...)
	command.Stderr = os.Stderr
	in, err := command.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	out, err := command.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if err := command.Start(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return &process{command, in, bufio.NewReaderSize(out, 1<<20)}, nil
}

func (p *process) stop() error {
	if err := p.in.Close(); err != nil {
		return fmt.Errorf("%s: %w", p.command.Path, err)
	}
	if err := p.command.Wait(); err != nil {
		return fmt.Errorf("%s: %w", p.command.Path, err)
	}
	return nil
}

// answers sends a batch of inputs, none of them empty, and reads what the program says to each.
func (p *process) answers(inputs [][]byte) ([]string, error) {
	sent := make(chan error, 1)
	go func() {
		writer := bufio.NewWriterSize(p.in, 1<<20)
		var prefix [4]byte
		for _, input := range inputs {
			binary.LittleEndian.PutUint32(prefix[:], uint32(len(input)))
			writer.Write(prefix[:])
			writer.Write(input)
		}
		writer.Write([]byte{0, 0, 0, 0}) // the end of the batch
		sent <- writer.Flush()
	}()
	result := make([]string, len(inputs))
	for i := range result {
		var prefix [4]byte
		if _, err := io.ReadFull(p.out, prefix[:]); err != nil {
			return nil, fmt.Errorf("%s: answer %d of %d to a batch: %w", p.command.Path, i, len(inputs), err)
		}
		answer := make([]byte, binary.LittleEndian.Uint32(prefix[:]))
		if _, err := io.ReadFull(p.out, answer); err != nil {
			return nil, fmt.Errorf("%s: answer %d of %d to a batch: %w", p.command.Path, i, len(inputs), err)
		}
		result[i] = string(answer)
	}
	return result, <-sent
}
