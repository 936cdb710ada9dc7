package admin

import (
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
)

// guard decides who may ask at all. A browser on an operator's host sends requests for any page that it shows: those are
// told by what browsers put into them, and by the name that was asked for, which a page can make lead here (DNS rebinding).
type guard struct {
	token string // empty: none is needed
	local bool   // nobody else reaches the server
	own   string // the name that the server is configured by, lower case
}

// untold are the paths that need no token: nothing in them is worth one, and those who ask may have none.
var untold = map[string]bool{"/healthz": true, "/readyz": true}

// ownName is the host of an admin address.
func ownName(address string) string {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return ""
	}
	return strings.ToLower(host)
}

func (g guard) around(next http.Handler) http.Handler {
	wanted := sha256.Sum256([]byte(g.token))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("X-Frame-Options", "DENY")
		header.Set("Referrer-Policy", "no-referrer")
		header.Set("Cross-Origin-Resource-Policy", "same-origin")
		if !g.knows(r.Host) {
			fail(w, http.StatusMisdirectedRequest, CodeMisdirected, fmt.Sprintf("host %.64q is not this server's, expected an address, localhost or the name that it is configured by", r.Host))
			return
		}
		if reason := foreign(r); reason != "" {
			fail(w, http.StatusForbidden, CodeForeign, reason)
			return
		}
		if g.token != "" && !untold[r.URL.Path] && !ofConsole(r.URL.Path) {
			given, found := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
			// Of equal lengths, so that nothing is told by the time that it takes.
			hash := sha256.Sum256([]byte(given))
			if !found || subtle.ConstantTimeCompare(hash[:], wanted[:]) != 1 {
				header.Set("WWW-Authenticate", `Bearer realm="ringway"`)
				fail(w, http.StatusUnauthorized, CodeNoToken, "no token, or another one, expected Authorization: Bearer TOKEN")
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

// knows tells whether a host of a request can be meant for this server: a page of another name cannot ask for an address.
func (g guard) knows(host string) bool {
	name := host
	if split, _, err := net.SplitHostPort(host); err == nil {
		name = split
	}
	name = strings.ToLower(strings.Trim(name, "[]"))
	if _, err := netip.ParseAddr(name); err == nil {
		return true
	}
	// A token cannot be guessed by a page, whatever its name.
	return name == "localhost" || name == g.own && name != "" || g.token != "" || name == ""
}

// foreign says why a request is of a page that is not this server's; empty if it is not. A link to the console, which tells and does
// nothing by itself and cannot be framed, may be on any page.
func foreign(r *http.Request) string {
	if r.URL.Path == "/" && r.Method == http.MethodGet && r.Header.Get("Sec-Fetch-Dest") == "document" {
		return ""
	}
	if site := r.Header.Get("Sec-Fetch-Site"); site == "cross-site" || site == "same-site" {
		return fmt.Sprintf("the request is of another site (Sec-Fetch-Site: %s), expected this one", site)
	}
	if origin := r.Header.Get("Origin"); origin != "" {
		if parsed, err := url.Parse(origin); err != nil || parsed.Host != r.Host {
			return fmt.Sprintf("the request is of origin %.64q, expected none or this server's", origin)
		}
	}
	return ""
}
