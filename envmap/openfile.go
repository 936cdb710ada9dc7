package envmap

import "os"

// openFile opens a file that an application names. It is the only I/O of this package.
func openFile(path string) (*os.File, error) { return os.Open(path) }
