package supervisor

import (
	"bufio"
	"errors"
	"io"
)

// maxLine bounds one line of worker output in the log; a longer one is split.
const maxLine = 4096

// readLines calls emit for each line of r until its end. The bytes are valid during the call only.
func readLines(r io.Reader, emit func(line []byte)) error {
	reader := bufio.NewReaderSize(r, maxLine)
	for {
		line, err := reader.ReadSlice('\n')
		if length := len(line); length > 0 && line[length-1] == '\n' {
			line = line[:length-1]
			emit(line)
		} else if length > 0 {
			emit(line)
		}
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
	}
}
