package envmap

import (
	"fmt"
	"io/fs"
	"mime"
	"path/filepath"
)

// File ends the chain with a file, as a whole and with its length, sent as Env.SendFile does; when it returns, the file is
// closed. Content-Type is that of the name's extension, application/octet-stream if it has none, unless the chain said
// otherwise. A file that cannot be opened, or is no regular one, is an error before the first write, so that another reply can
// be given:
//
//	if err := env.Reply(200).File(path); errors.Is(err, fs.ErrNotExist) {
//		return env.Reply(404).Text("no such thing\n")
//	}
func (r Reply) File(path string) error {
	if r.err != nil {
		return r.err
	}
	file, err := openFile(path)
	if err != nil {
		return err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("envmap: %s is %v, want a regular file: %w", path, info.Mode().Type(), fs.ErrInvalid)
	}
	contentType := mime.TypeByExtension(filepath.Ext(path))
	if contentType == "" {
		contentType = "application/octet-stream"
	}
	r = r.defaultType(contentType).length(info.Size())
	if r.err != nil {
		return r.err
	}
	return r.env.SendFile(r.env.Context(), file, 0, info.Size())
}
