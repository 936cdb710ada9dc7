package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/pflag"
	"golang.org/x/sys/unix"

	"ringway/internal/listen"
)

// check tells whether serve could start with these arguments, as far as can be told without opening anything.
func check(args []string, stdout, _ io.Writer, _ NewEngine) error {
	in, err := readInput(args)
	if err != nil {
		return err
	}
	return in.check(stdout)
}

func (in *input) check(stdout io.Writer) error {
	o, f, err := in.build()
	if err != nil {
		return err
	}
	s, err := settle(o, f)
	if err != nil {
		return err
	}
	var wrong problems
	for _, err := range append(checkSystem(s), checkPaths(f)...) {
		wrong = append(wrong, in.locate(badInput("%w", err)))
	}
	if len(wrong) > 0 {
		return badInput("%w", wrong)
	}
	name := in.file
	if name == "" {
		name = "configuration"
	}
	_, err = fmt.Fprintf(stdout, "%s: ok\n", name)
	return err
}

// checkSystem looks for what the gateway would open.
func checkSystem(s *settled) []error {
	var wrong []error
	wrong = append(wrong, checkAddresses("listen", s.gateway.Listen)...)
	wrong = append(wrong, checkAddresses("listen-proxy", s.gateway.ListenProxy)...)
	if s.gateway.Admin != "" {
		if _, err := listen.Check(s.gateway.Admin); err != nil || strings.HasPrefix(s.gateway.Admin, "unix:") {
			wrong = append(wrong, fmt.Errorf("--admin %q cannot be used, expected HOST:PORT or %s", s.gateway.Admin, adminOff))
		}
	}
	if s.socketMode == 0 {
		if err := listen.CheckPath(s.gateway.Socket); err != nil {
			wrong = append(wrong, fmt.Errorf("--socket: %w", err))
		} else {
			wrong = append(wrong, checkParent("socket", s.gateway.Socket, s.gateway.Socket)...)
		}
	}
	if s.gateway.Program != nil {
		if err := checkExecutable(s.gateway.Program.Argv[0]); err != nil {
			wrong = append(wrong, err)
		}
	}
	return wrong
}

func checkAddresses(name string, addresses []string) []error {
	var wrong []error
	for _, address := range addresses {
		path, err := listen.Check(address)
		if err != nil {
			wrong = append(wrong, fmt.Errorf("--%s: %w", name, err))
		} else if path != "" {
			wrong = append(wrong, checkParent(name, address, path)...)
		}
	}
	return wrong
}

func checkExecutable(path string) error {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return fmt.Errorf("--worker %q: %w, expected an executable", path, reason(err))
	case !info.Mode().IsRegular():
		return fmt.Errorf("--worker %q is no regular file, expected an executable", path)
	case unix.Access(path, unix.X_OK) != nil:
		return fmt.Errorf("--worker %q may not be executed, expected an executable", path)
	}
	return nil
}

// checkPaths looks at the flags whose placeholder is DIR or FILE: the directory has to be there, and a file's one, since
// the file itself may be made.
func checkPaths(f *pflag.FlagSet) []error {
	var wrong []error
	f.VisitAll(func(flag *pflag.Flag) {
		placeholder, _ := pflag.UnquoteUsage(flag)
		if !flag.Changed || !isKey(flag.Name) {
			return
		}
		values := []string{flag.Value.String()}
		if list, ok := flag.Value.(pflag.SliceValue); ok {
			values = list.GetSlice()
		}
		for _, value := range values {
			path := value
			if isTable(flag) {
				_, path, _ = strings.Cut(value, "=")
			}
			switch {
			case path == "" || path == "-" || path == "off":
			case strings.HasSuffix(placeholder, "DIR"):
				wrong = append(wrong, checkDirectory(flag.Name, value, path, unix.R_OK|unix.X_OK)...)
			case strings.HasSuffix(placeholder, "FILE"):
				wrong = append(wrong, checkParent(flag.Name, value, path)...)
			}
		}
	})
	return wrong
}

// checkParent looks at the directory that something is to be made in.
func checkParent(name, value, path string) []error {
	return checkDirectory(name, value, filepath.Dir(path), unix.W_OK|unix.X_OK)
}

func checkDirectory(name, value, directory string, access uint32) []error {
	info, err := os.Stat(directory)
	if err == nil && !info.IsDir() {
		return []error{fmt.Errorf("--%s %q: %q is no directory, expected one", name, value, directory)}
	}
	if err == nil {
		err = unix.Access(directory, access)
	}
	if err != nil {
		return []error{fmt.Errorf("--%s %q: directory %q cannot be used: %w, expected one with access for this user", name, value, directory, reason(err))}
	}
	return nil
}

// reason leaves out what the message names already.
func reason(err error) error {
	var path *os.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}
