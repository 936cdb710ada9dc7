package approutes

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"syscall"

	"ringway/envmap"
)

// named opens the file that the query's name says, below Options.Files. A name that leads out of the directory, is
// absolute or holds NUL is a bad value; what is not there, or no regular file, is fs.ErrNotExist.
func (o Options) named(query url.Values) (*os.File, fs.FileInfo, error) {
	if o.Files == nil {
		return nil, nil, fs.ErrNotExist
	}
	name := query.Get("name")
	if !fs.ValidPath(name) || name == "." {
		return nil, nil, badValue{"name=" + strconv.Quote(name) + ": want a path below the directory, without empty, . and .. elements"}
	}
	f, err := o.Files.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0) // a FIFO would wait for a writer
	if err != nil {
		return nil, nil, missing(err)
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fs.ErrNotExist
	}
	if err != nil {
		_ = f.Close()
		return nil, nil, err
	}
	return f, info, nil
}

// missing takes each way in which a name is of no use for fs.ErrNotExist, also a link that leads out of the directory.
func missing(err error) error {
	if errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE) || errors.Is(err, syscall.EIO) {
		return err
	}
	return fs.ErrNotExist
}

func (h handler) named(w http.ResponseWriter, r *http.Request) error {
	f, info, err := h.Options.named(r.URL.Query())
	if errors.Is(err, fs.ErrNotExist) {
		answerText(w, http.StatusNotFound, "no such file\n")
		return nil
	}
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }() // it was only read
	w.Header().Set("Content-Type", binaryType)
	var content io.ReadSeeker = f
	if r.URL.Query().Get("copy") == "ring" {
		content = readSeeker{f} // no longer known for a file
	}
	http.ServeContent(w, r, "", info.ModTime(), content)
	return nil
}

type readSeeker struct{ io.ReadSeeker }

// named sends the whole file: ranges are for applications that look at Range.
func (a app) named(env envmap.Env, query url.Values) error {
	f, info, err := a.Options.named(query)
	if errors.Is(err, fs.ErrNotExist) {
		return env.Reply(http.StatusNotFound).Type(textType).Text("no such file\n")
	}
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }() // it was only read
	for _, field := range [][2]string{
		{"Content-Type", binaryType},
		{"Content-Length", strconv.FormatInt(info.Size(), 10)},
		{"Last-Modified", info.ModTime().UTC().Format(http.TimeFormat)},
	} {
		if err := env.SetHeader(field[0], field[1]); err != nil {
			return err
		}
	}
	return env.SendFile(context.Background(), f, 0, info.Size())
}
