// The benchmark program, a module of its own so that the peers and the plots do not weigh on the main module.
module ringway/bench

go 1.26.0

require (
	github.com/cloudflare/tableflip v1.2.3
	github.com/gorilla/websocket v1.5.3
	github.com/valyala/fasthttp v1.73.0
	golang.org/x/sys v0.49.0
	gonum.org/v1/plot v0.17.0
	ringway v0.0.0-00010101000000-000000000000
)

require (
	codeberg.org/go-fonts/liberation v0.5.0 // indirect
	codeberg.org/go-latex/latex v0.2.0 // indirect
	codeberg.org/go-pdf/fpdf v0.11.1 // indirect
	git.sr.ht/~sbinet/gg v0.7.0 // indirect
	github.com/ajstarks/svgo v0.0.0-20211024235047-1546f124cd8b // indirect
	github.com/andybalholm/brotli v1.2.2 // indirect
	github.com/coder/websocket v1.8.15 // indirect
	github.com/edsrzf/mmap-go v1.2.0 // indirect
	github.com/golang/freetype v0.0.0-20170609003504-e2365dfdc4a0 // indirect
	github.com/klauspost/compress v1.19.1 // indirect
	github.com/valyala/bytebufferpool v1.0.0 // indirect
	golang.org/x/image v0.30.0 // indirect
	golang.org/x/text v0.41.0 // indirect
)

replace ringway => ../
