// Package mediatype says which media type a file has by the extension of its name.
package mediatype

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"mime"
	"os"
	"strings"
)

// SystemFile is the system's table.
const SystemFile = "/etc/mime.types"

// longest type and extension that are taken over.
const maxType, maxExtension = 128, 32

// builtIn are the types of the commonest files, for systems without a table or with an old one.
var builtIn = map[string]string{
	"avif": "image/avif", "bin": "application/octet-stream", "css": "text/css", "csv": "text/csv",
	"gif": "image/gif", "gz": "application/gzip", "htm": "text/html", "html": "text/html", "ico": "image/vnd.microsoft.icon",
	"jpeg": "image/jpeg", "jpg": "image/jpeg", "js": "text/javascript", "json": "application/json", "map": "application/json",
	"md": "text/markdown", "mjs": "text/javascript", "mp3": "audio/mpeg", "mp4": "video/mp4", "ogg": "audio/ogg",
	"otf": "font/otf", "pdf": "application/pdf", "png": "image/png", "svg": "image/svg+xml", "tar": "application/x-tar",
	"ttf": "font/ttf", "txt": "text/plain", "wasm": "application/wasm", "wav": "audio/x-wav", "weba": "audio/webm",
	"webm": "video/webm", "webmanifest": "application/manifest+json", "webp": "image/webp", "woff": "font/woff",
	"woff2": "font/woff2", "xhtml": "application/xhtml+xml", "xml": "application/xml", "zip": "application/zip",
}

// Table returns the types by extension, in lower case and without a dot: those of a file in the format of mime.types (a type
// and its extensions on each line), and the commonest ones where it has none. A file that does not exist is empty. Text
// has charset=utf-8.
func Table(path string) (map[string]string, error) {
	table := map[string]string{}
	file, err := os.Open(path)
	switch {
	case err == nil:
		defer file.Close()
		if err := read(file, table); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
	case !errors.Is(err, fs.ErrNotExist):
		return nil, err
	}
	types := maps.Clone(builtIn)
	maps.Copy(types, table)
	for extension, kind := range types {
		if strings.HasPrefix(kind, "text/") || kind == "application/javascript" {
			types[extension] = kind + "; charset=utf-8"
		}
	}
	return types, nil
}

// read adds the lines of a table; the first type of an extension counts. What is no type is passed over.
func read(r io.Reader, table map[string]string) error {
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		text, _, _ := strings.Cut(lines.Text(), "#")
		fields := strings.Fields(text)
		if len(fields) < 2 || !isType(fields[0]) {
			continue
		}
		for _, extension := range fields[1:] {
			extension = strings.ToLower(extension)
			if _, known := table[extension]; !known && len(extension) <= maxExtension {
				table[extension] = strings.ToLower(fields[0])
			}
		}
	}
	return lines.Err()
}

func isType(text string) bool {
	kind, parameters, err := mime.ParseMediaType(text)
	return err == nil && len(parameters) == 0 && strings.Contains(kind, "/") && !strings.Contains(text, ";") && len(text) <= maxType
}
