package admin

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"net/http"
	"path"
	"time"
)

// consoleFiles are the page at / and what it loads. It asks the same routes as everybody else, with the token that its user enters,
// so the files themselves need none.
//
//go:embed console/*.html console/*.css console/*.js console/*.svg
var consoleFiles embed.FS

// consolePolicy lets the page load and ask nothing but this server, run no script and use no style that is not a file of it, and
// make no markup of text.
const consolePolicy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"

// mediaTypes do not depend on what the host knows of file names.
var mediaTypes = map[string]string{
	".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml",
}

const consolePage = "/{$}"

// consolePaths are the patterns of the console's files.
var consolePaths = func() map[string]string {
	paths := map[string]string{consolePage: "console/index.html"}
	entries, err := consoleFiles.ReadDir("console")
	if err != nil {
		panic("admin: the console is not in this binary: " + err.Error()) // the compiler has seen to it
	}
	for _, entry := range entries {
		if name := "console/" + entry.Name(); name != paths[consolePage] {
			paths["/"+name] = name
		}
	}
	return paths
}()

// ofConsole tells whether a path is that of a file of the console.
func ofConsole(path string) bool {
	return path == "/" || path != consolePage && consolePaths[path] != ""
}

// consoleFile serves one file, and 304 to who has it already.
func consoleFile(name string) http.HandlerFunc {
	content, err := consoleFiles.ReadFile(name)
	if err != nil {
		panic("admin: " + err.Error()) // of names that were listed
	}
	sum := sha256.Sum256(content)
	tag := `"` + hex.EncodeToString(sum[:12]) + `"`
	return func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header.Set("Content-Type", mediaTypes[path.Ext(name)])
		header.Set("Content-Security-Policy", consolePolicy)
		header.Set("Cross-Origin-Opener-Policy", "same-origin")
		header.Set("Cache-Control", "no-cache")
		header.Set("ETag", tag)
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content))
	}
}
