package differential

import (
	_ "embed"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

//go:embed classes.tsv
var classTable string

// class is a row of classes.tsv: a known difference and why Ringway's side of it is right.
type class struct {
	id     string
	parser string // the foreign parser, or "both"
	what   string // the differences it explains, separated by "|"
	reason string // Ringway's reason if it refuses, else "-"
	clause string
	why    string
}

// loadClasses reads the table; every row has to have a predicate and every predicate a row.
func loadClasses() ([]class, error) {
	var classes []class
	for number, line := range strings.Split(strings.TrimSpace(classTable), "\n") {
		if number == 0 || line == "" {
			continue
		}
		columns := strings.Split(line, "\t")
		if len(columns) != 6 {
			return nil, fmt.Errorf("classes.tsv:%d: %d columns, expected 6", number+1, len(columns))
		}
		one := class{columns[0], columns[1], columns[2], columns[3], columns[4], columns[5]}
		if predicates[one.id] == nil {
			return nil, fmt.Errorf("classes.tsv:%d: no predicate for class %q", number+1, one.id)
		}
		classes = append(classes, one)
	}
	for id := range predicates {
		if !slices.ContainsFunc(classes, func(one class) bool { return one.id == id }) {
			return nil, fmt.Errorf("no row in classes.tsv for predicate %q", id)
		}
	}
	return classes, nil
}

// explains tells whether the difference belongs to the class.
func (c *class) explains(d *difference, s *shape) bool {
	if c.parser != "both" && c.parser != d.theirs.Parser {
		return false
	}
	if !slices.Contains(strings.Split(c.what, "|"), d.what) {
		return false
	}
	if c.reason != "-" && !strings.HasSuffix(d.ours.Why, " "+c.reason) {
		return false
	}
	return predicates[c.id](d, s)
}

// predicates decide by the raw bytes. Those of refusals are a second, independent reading of the rule that was broken.
var predicates = map[string]func(*difference, *shape) bool{
	"line-end": func(_ *difference, s *shape) bool { return s.badEnds },
	"method":   func(_ *difference, s *shape) bool { return !isToken(s.method) || s.empty > 3 },
	"target":   func(_ *difference, s *shape) bool { return !isTarget(s.method, s.target) },
	"version":  func(_ *difference, s *shape) bool { return !isVersion(s.version) },
	"connect":  func(_ *difference, s *shape) bool { return s.method == "CONNECT" },
	"name": func(_ *difference, s *shape) bool {
		return s.any(func(line string) bool {
			name, _, found := strings.Cut(line, ":")
			return !found || !isToken(name)
		})
	},
	"fold": func(_ *difference, s *shape) bool {
		return s.any(func(line string) bool { return strings.HasPrefix(line, " ") || strings.HasPrefix(line, "\t") })
	},
	"host": func(_ *difference, s *shape) bool {
		hosts := s.values("Host")
		if len(hosts) == 0 {
			return s.version != "HTTP/1.0"
		}
		return len(hosts) > 1 || (hosts[0] != "" && !isAuthority(hosts[0]))
	},
	"length": func(_ *difference, s *shape) bool {
		lengths := s.values("Content-Length")
		return len(lengths) > 1 || (len(lengths) == 1 && !fitsLength(lengths[0]))
	},
	"encoding": func(_ *difference, s *shape) bool {
		codings := s.values("Transfer-Encoding")
		return len(codings) > 1 || (len(codings) == 1 && (s.version == "HTTP/1.0" || !strings.EqualFold(codings[0], "chunked")))
	},
	"both": func(_ *difference, s *shape) bool {
		return len(s.values("Content-Length")) > 0 && len(s.values("Transfer-Encoding")) > 0
	},
	"expect": func(_ *difference, s *shape) bool {
		return slices.ContainsFunc(s.values("Expect"), func(value string) bool { return !strings.EqualFold(value, "100-continue") })
	},
	"incomplete": func(_ *difference, s *shape) bool { return !s.complete },

	"go-target": func(d *difference, s *shape) bool {
		parts := absolute.FindStringSubmatch(s.target)
		escapedHost := parts != nil && strings.Contains(parts[1], "%")
		return strings.HasPrefix(d.theirs.Why, "parse ") && (escapedHost || badEscape(s.target))
	},
	"go-host-escape": func(_ *difference, s *shape) bool {
		parts := absolute.FindStringSubmatch(s.target)
		return (parts != nil && strings.Contains(parts[1], "%")) ||
			slices.ContainsFunc(s.values("Host"), func(host string) bool { return strings.Contains(host, "%") })
	},
	"go-empty-lines":          func(_ *difference, s *shape) bool { return s.empty >= 1 && s.empty <= 3 },
	"minor-version":           func(_ *difference, s *shape) bool { return isVersion(s.version) && s.version > "HTTP/1.1" },
	"llhttp-method":           func(_ *difference, s *shape) bool { return !slices.Contains(llhttpMethods, s.method) },
	"llhttp-tab":              func(_ *difference, s *shape) bool { return s.any(endsWithTab) },
	"llhttp-proxy-connection": func(_ *difference, s *shape) bool { return len(s.values("Proxy-Connection")) > 0 },

	"llhttp-lone-cr": func(_ *difference, s *shape) bool {
		return strings.Contains(strings.ReplaceAll(s.raw, "\r\n", "\n"), "\r")
	},
	"llhttp-close": func(_ *difference, s *shape) bool {
		options := strings.ToLower(strings.Join(s.values("Connection"), ","))
		return s.version == "HTTP/1.0" && strings.Contains(options, "close") && strings.Contains(options, "keep-alive")
	},
	"llhttp-upgrade": func(d *difference, _ *shape) bool { return d.theirs.Upgrade },
	"llhttp-options": func(_ *difference, s *shape) bool {
		return slices.ContainsFunc(s.values("Connection"), func(list string) bool {
			return slices.ContainsFunc(strings.Split(list, ","), func(member string) bool {
				member = strings.Trim(member, " \t")
				return member != "" && !isToken(member)
			})
		})
	},

	"chunk": func(_ *difference, s *shape) bool { return chunksOf(s.body).fault != "" },
	"chunk-incomplete": func(_ *difference, s *shape) bool {
		c := chunksOf(s.body)
		return c.fault == "" && !c.complete
	},
	"chunk-space": func(_ *difference, s *shape) bool { return slices.ContainsFunc(chunksOf(s.body).sizes, spacedSize) },
	"llhttp-extension": func(_ *difference, s *shape) bool {
		return slices.ContainsFunc(chunksOf(s.body).sizes, func(line string) bool {
			at := strings.IndexByte(line, ';')
			return at >= 0 && !isStrictExt(line[at:])
		})
	},
	"chunk-limit": func(_ *difference, s *shape) bool {
		sum := 0
		c := chunksOf(s.body)
		for _, line := range append(c.sizes, c.begun) {
			sum += len(strings.TrimLeft(line, "0123456789abcdefABCDEF"))
		}
		return sum > 4096
	},
	"go-chunk-line": func(d *difference, s *shape) bool {
		return d.theirs.Why == "header line too long" &&
			slices.ContainsFunc(chunksOf(s.body).sizes, func(line string) bool { return len(line) > 4000 })
	},
	"trailer-limit": func(_ *difference, s *shape) bool {
		lines := chunksOf(s.body).trailers
		return len(lines) > 100 || len(strings.Join(lines, "\r\n")) > 8192-len("\r\n")
	},
	"llhttp-trailer-close": func(d *difference, _ *shape) bool {
		return d.theirs.Why == "HPE_CLOSED_CONNECTION" && len(d.before) > 0 &&
			hasTrailer(d.before[len(d.before)-1], "connection", "proxy-connection")
	},
	"llhttp-trailer-carried": func(d *difference, _ *shape) bool {
		return slices.ContainsFunc(d.before, func(message []byte) bool {
			return hasTrailer(message, "content-length", "transfer-encoding", "connection", "proxy-connection", "upgrade")
		})
	},
	"go-trailer-key": func(d *difference, _ *shape) bool {
		return strings.HasPrefix(d.theirs.Why, "bad trailer key") && slices.ContainsFunc(d.ours.Fields, func(one field) bool { return one[0] == "trailer" })
	},
	"llhttp-trailer-framing": func(d *difference, _ *shape) bool {
		return hasTrailer(d.input, "content-length", "transfer-encoding")
	},
}

// hasTrailer tells of a message with one of the fields in its trailers.
func hasTrailer(message []byte, names ...string) bool {
	return slices.ContainsFunc(chunksOf(shapeOf(message).body).trailers, func(line string) bool {
		name, _, _ := strings.Cut(strings.ToLower(line), ":")
		return slices.Contains(names, name)
	})
}

// tabbed is a member of a list with a tab behind it.
var tabbed = regexp.MustCompile(`[^ \t,] *\t[ \t]*,`).MatchString

// endsWithTab tells of a framing or Connection field whose value, or a member of it, is followed by a tab.
func endsWithTab(line string) bool {
	name, value, _ := strings.Cut(strings.ToLower(line), ":")
	switch name {
	case "connection":
		if tabbed(value) {
			return true
		}
		fallthrough
	case "content-length", "transfer-encoding":
		return strings.HasSuffix(strings.TrimRight(value, " "), "\t")
	}
	return false
}

// llhttpMethods are the methods that llhttp knows in HTTP/1.1.
var llhttpMethods = []string{"GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH", "PROPFIND", "M-SEARCH",
	"COPY", "LOCK", "MKCOL", "MOVE", "PROPPATCH", "SEARCH", "UNLOCK", "BIND", "REBIND", "UNBIND", "ACL", "REPORT", "MKACTIVITY",
	"CHECKOUT", "MERGE", "NOTIFY", "SUBSCRIBE", "UNSUBSCRIBE", "PURGE", "MKCALENDAR", "LINK", "UNLINK"}

func fitsLength(value string) bool {
	if !isLength(value) {
		return false
	}
	length, err := strconv.ParseUint(value, 10, 64)
	return err == nil && length <= math.MaxInt64
}
