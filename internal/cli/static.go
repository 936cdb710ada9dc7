package cli

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/pflag"

	"ringway/internal/engine"
	"ringway/internal/mediatype"
)

// staticSites reads PREFIX=DIR values. The media types come with the first site.
func (o *options) staticSites(f *pflag.FlagSet) ([]engine.StaticSite, map[string]string, error) {
	if o.staticIndex == "" || strings.HasPrefix(o.staticIndex, ".") || strings.ContainsAny(o.staticIndex, "/\x00") || len(o.staticIndex) > 255 {
		return nil, nil, badInput("--static-index %q cannot be used, expected the name of a file such as index.html", o.staticIndex)
	}
	if len(o.staticCache) > 1024 || strings.ContainsFunc(o.staticCache, func(r rune) bool { return r < ' ' || r > '~' }) {
		return nil, nil, badInput("--static-cache %q cannot be used, expected up to 1024 characters of printable ASCII", o.staticCache)
	}
	if len(o.static) == 0 {
		for _, name := range []string{"static-index", "static-cache"} {
			if f.Changed(name) {
				return nil, nil, badInput("--%s %s is of no use alone, expected --static PREFIX=DIR with it", name, f.Lookup(name).Value)
			}
		}
		return nil, nil, nil
	}
	var sites []engine.StaticSite
	seen := map[string]bool{}
	for _, value := range o.static {
		site, err := staticSite(value)
		if err != nil {
			return nil, nil, err
		}
		if seen[site.Prefix] {
			return nil, nil, badInput("--static %q: %s was given twice, expected each prefix once", value, site.Prefix+"/")
		}
		seen[site.Prefix] = true
		sites = append(sites, site)
	}
	types, err := mediatype.Table(mediatype.SystemFile)
	if err != nil {
		return nil, nil, badInput("media types: %w", err)
	}
	return sites, types, nil
}

func staticSite(value string) (engine.StaticSite, error) {
	prefix, directory, found := strings.Cut(value, "=")
	prefix = strings.TrimSuffix(prefix, "/")
	if !found || directory == "" || !isSitePrefix(prefix) || (prefix == "" && !strings.HasPrefix(value, "/=")) {
		return engine.StaticSite{}, badInput("--static %q cannot be used, expected PREFIX=DIR such as /assets=./public, or /=./public for all paths", value)
	}
	absolute, err := filepath.Abs(directory)
	if err != nil {
		return engine.StaticSite{}, badInput("--static %q: %w", value, err)
	}
	info, err := os.Stat(absolute)
	if err != nil {
		return engine.StaticSite{}, badInput("--static %q: %w, expected a directory", value, err)
	}
	if !info.IsDir() {
		return engine.StaticSite{}, badInput("--static %q: %s is no directory, expected one", value, absolute)
	}
	return engine.StaticSite{Prefix: prefix, Directory: absolute}, nil
}

// isSitePrefix tells whether requests can have the prefix; segments that clients take out of a path make no sense.
func isSitePrefix(prefix string) bool {
	if prefix == "" {
		return true
	}
	if !strings.HasPrefix(prefix, "/") || strings.ContainsFunc(prefix, notInPath) {
		return false
	}
	for segment := range strings.SplitSeq(prefix[1:], "/") {
		if segment == "" || segment == "." || segment == ".." {
			return false
		}
	}
	return true
}
