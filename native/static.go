package native

/*
#include "gw.h"
*/
import "C"

import (
	"errors"
	"fmt"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"

	"ringway/internal/engine"
)

// staticFiles fills in C's form. The directories are opened here, once: what their names mean later is of no matter.
func staticFiles(from *engine.Settings, to *C.struct_gw_static, m *memory) error {
	n := len(from.StaticSites)
	if n == 0 {
		return nil
	}
	to.site_count = count(n)
	to.sites = (*C.struct_gw_static_site)(m.array(n, C.sizeof_struct_gw_static_site))
	sites := unsafe.Slice(to.sites, n)
	for i, site := range from.StaticSites {
		root, err := openRoot(site.Directory)
		if err != nil {
			return fmt.Errorf("static files of %q: %w", site.Prefix+"/", err)
		}
		m.onFree(func() { _ = unix.Close(root) })
		sites[i] = C.struct_gw_static_site{prefix: m.text(site.Prefix), root: C.int(root)}
	}
	var types strings.Builder
	for extension, kind := range from.MediaTypes {
		if len(kind) > C.GW_STATIC_TYPE_BYTES || strings.ContainsAny(extension+kind, "\r\n\x00") || strings.Contains(extension, " ") {
			return fmt.Errorf("media type of .%s: %q, expected up to %d bytes of a line", extension, kind, C.GW_STATIC_TYPE_BYTES)
		}
		fmt.Fprintf(&types, "%s %s\n", extension, kind)
	}
	to.types = m.text(types.String())
	to.index = m.text(from.StaticIndex)
	to.cache_control = m.text(from.StaticCache)
	return nil
}

// openRoot opens a directory as the root that no path leaves. Without openat2 (Linux 5.6) that could not be kept.
func openRoot(directory string) (int, error) {
	root, err := unix.Open(directory, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, fmt.Errorf("%q: %w, expected a directory", directory, err)
	}
	how := unix.OpenHow{
		Flags:   unix.O_PATH | unix.O_DIRECTORY | unix.O_CLOEXEC,
		Resolve: unix.RESOLVE_BENEATH | unix.RESOLVE_NO_MAGICLINKS,
	}
	for {
		probe, err := unix.Openat2(root, ".", &how)
		if err == nil {
			_ = unix.Close(probe)
			return root, nil
		}
		if errors.Is(err, unix.EINTR) || errors.Is(err, unix.EAGAIN) {
			continue
		}
		_ = unix.Close(root)
		if errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.EPERM) {
			return -1, fmt.Errorf("%q: openat2 is missing or forbidden here (%w), expected Linux 5.6 or later: without it links could lead out of the directory", directory, err)
		}
		return -1, fmt.Errorf("%q: %w", directory, err)
	}
}
