module ringway

go 1.26.0

require (
	github.com/edsrzf/mmap-go v1.2.0
	github.com/spf13/pflag v1.0.10
	golang.org/x/sys v0.49.0
)

require github.com/coreos/go-systemd/v22 v22.7.0

require github.com/pelletier/go-toml/v2 v2.4.3
