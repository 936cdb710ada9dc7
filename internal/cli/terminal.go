package cli

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// What terminals are told (ECMA-48, and xterm's other screen).
const (
	otherScreen = "\x1b[?1049h\x1b[?25l" // without a cursor
	firstScreen = "\x1b[?25h\x1b[?1049l"
	home        = "\x1b[H"
	eraseLine   = "\x1b[K" // from the cursor on
	eraseBelow  = "\x1b[J"
	strong      = "\x1b[1m"
	faint       = "\x1b[2m"
	plain       = "\x1b[m"
)

// isTerminal tells whether file can be drawn on. TERM=dumb is one that cannot.
func isTerminal(file *os.File) bool {
	if os.Getenv("TERM") == "dumb" {
		return false
	}
	_, err := unix.IoctlGetTermios(int(file.Fd()), unix.TCGETS)
	return err == nil
}

// terminal is one that is drawn on, and whose keys are read as they are pressed.
type terminal struct {
	in, out *os.File
	before  *unix.Termios // of in; nil if that is no terminal
}

func openTerminal(in, out *os.File) (*terminal, error) {
	t := &terminal{in: in, out: out}
	if before, err := unix.IoctlGetTermios(int(in.Fd()), unix.TCGETS); err == nil {
		keys := *before
		// Ctrl-C stays a signal, and lines stay lines on the way out.
		keys.Lflag &^= unix.ICANON | unix.ECHO
		keys.Cc[unix.VMIN], keys.Cc[unix.VTIME] = 1, 0
		if err := unix.IoctlSetTermios(int(in.Fd()), unix.TCSETS, &keys); err != nil {
			return nil, fmt.Errorf("terminal %s: %w", in.Name(), err)
		}
		t.before = before
	}
	if _, err := out.WriteString(otherScreen); err != nil {
		t.restore()
		return nil, err
	}
	return t, nil
}

func (t *terminal) restore() {
	_, _ = t.out.WriteString(firstScreen)
	if t.before != nil {
		_ = unix.IoctlSetTermios(int(t.in.Fd()), unix.TCSETS, t.before)
	}
}

// awaitQ calls quit when q is pressed. It returns then, or when nothing more can be read.
func (t *terminal) awaitQ(quit func()) {
	if t.before == nil {
		return
	}
	for key := make([]byte, 1); ; {
		if n, err := t.in.Read(key); err != nil || n == 1 && (key[0] == 'q' || key[0] == 'Q') {
			quit()
			return
		}
	}
}

// size is that of the terminal in characters: 80 by 24 if it does not tell.
func (t *terminal) size() (width, height int) {
	size, err := unix.IoctlGetWinsize(int(t.out.Fd()), unix.TIOCGWINSZ)
	if err != nil || size.Col == 0 || size.Row == 0 {
		return 80, 24
	}
	return int(size.Col), int(size.Row)
}
