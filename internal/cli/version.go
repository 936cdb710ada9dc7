package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"

	"github.com/spf13/pflag"

	"ringway/ring"
)

// version is set by the linker for a release: -X ringway/internal/cli.version=v1.2.3.
var version = "devel"

// versionInfo is what `gateway version --json` prints.
type versionInfo struct {
	Version string `json:"version"`
	Build   string `json:"build,omitempty"` // revision of the sources, with + behind it if they were changed
	Layout  uint32 `json:"layout"`          // of the shared memory: workers have to be built for the same
	Go      string `json:"go"`
	OS      string `json:"os"`
	Arch    string `json:"arch"`
}

func ownVersion() versionInfo {
	v := versionInfo{Version: version, Layout: ring.LayoutVersion, Go: runtime.Version(), OS: runtime.GOOS, Arch: runtime.GOARCH}
	if info, ok := debug.ReadBuildInfo(); ok {
		v.Build = revision(info.Settings)
	}
	return v
}

// revision is empty where the linker was told nothing of the sources.
func revision(settings []debug.BuildSetting) string {
	text, changed := "", ""
	for _, s := range settings {
		switch s.Key {
		case "vcs.revision":
			text = s.Value[:min(12, len(s.Value))]
		case "vcs.modified":
			if s.Value == "true" {
				changed = "+"
			}
		}
	}
	if text == "" {
		return ""
	}
	return text + changed
}

func versionFlags(asJSON *bool) *pflag.FlagSet {
	f := newFlags("version")
	f.BoolVar(asJSON, "json", false, "print an object of version, build, layout, go, os and arch")
	return f
}

func printVersion(args []string, stdout, _ io.Writer, _ NewEngine) error {
	var asJSON bool
	f := versionFlags(&asJSON)
	if err := f.Parse(args); err != nil {
		return flagError("version", f, err)
	}
	if err := noArguments("version", f.Args()); err != nil {
		return err
	}
	v := ownVersion()
	if asJSON {
		text, err := json.Marshal(v)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(stdout, "%s\n", text)
		return err
	}
	build := ""
	if v.Build != "" {
		build = "build " + v.Build + ", "
	}
	_, err := fmt.Fprintf(stdout, "ringway gateway %s (%sring layout %d, %s %s/%s)\n", v.Version, build, v.Layout, v.Go, v.OS, v.Arch)
	return err
}
