package envmap

// Version is the value of [KeyVersion].
const Version = "1.0"

// Keys of OWIN 1.0. Beside each: type of the value, and whether it can be absent.
const (
	KeyRequestMethod      = "owin.RequestMethod"      // string
	KeyRequestPath        = "owin.RequestPath"        // string, percent-decoded
	KeyRequestPathBase    = "owin.RequestPathBase"    // string, percent-decoded
	KeyRequestQueryString = "owin.RequestQueryString" // string, as received, without "?"
	KeyRequestScheme      = "owin.RequestScheme"      // string: "http" or "https"
	KeyRequestProtocol    = "owin.RequestProtocol"    // string: "HTTP/1.1"
	KeyRequestHeaders     = "owin.RequestHeaders"     // Headers, http.Header or map[string][]string
	KeyRequestBody        = "owin.RequestBody"        // io.Reader

	KeyResponseStatusCode   = "owin.ResponseStatusCode"   // int, 200..999
	KeyResponseReasonPhrase = "owin.ResponseReasonPhrase" // string; absent until set
	KeyResponseHeaders      = "owin.ResponseHeaders"      // Headers, http.Header or map[string][]string
	KeyResponseBody         = "owin.ResponseBody"         // io.Writer

	KeyCallCancelled = "owin.CallCancelled" // context.Context
	KeyVersion       = "owin.Version"       // string
)

// OWIN's common keys. Those of an address are absent where the connection has none, as on a Unix socket.
const (
	KeyRemoteIPAddress = "server.RemoteIpAddress" // string
	KeyRemotePort      = "server.RemotePort"      // string
	KeyLocalIPAddress  = "server.LocalIpAddress"  // string
	KeyLocalPort       = "server.LocalPort"       // string
	KeyIsLocal         = "server.IsLocal"         // bool
)

// KeyAttempt is Ringway's own: how often the request was given to an App before, int. It is 1 if the worker that had it died,
// else 0; nothing is given to more than two.
const KeyAttempt = "ringway.Attempt"

// known numbers the keys that the Env itself has a value for.
type known uint8

const (
	kMethod known = iota
	kPath
	kPathBase
	kQuery
	kScheme
	kProtocol
	kRequestHeaders
	kRequestBody
	kStatus
	kReason
	kResponseHeaders
	kResponseBody
	kCancelled
	kVersion
	kRemoteIP
	kRemotePort
	kLocalIP
	kLocalPort
	kIsLocal
	kAttempt
	knownCount
)

var knownNames = [knownCount]string{
	kMethod:          KeyRequestMethod,
	kPath:            KeyRequestPath,
	kPathBase:        KeyRequestPathBase,
	kQuery:           KeyRequestQueryString,
	kScheme:          KeyRequestScheme,
	kProtocol:        KeyRequestProtocol,
	kRequestHeaders:  KeyRequestHeaders,
	kRequestBody:     KeyRequestBody,
	kStatus:          KeyResponseStatusCode,
	kReason:          KeyResponseReasonPhrase,
	kResponseHeaders: KeyResponseHeaders,
	kResponseBody:    KeyResponseBody,
	kCancelled:       KeyCallCancelled,
	kVersion:         KeyVersion,
	kRemoteIP:        KeyRemoteIPAddress,
	kRemotePort:      KeyRemotePort,
	kLocalIP:         KeyLocalIPAddress,
	kLocalPort:       KeyLocalPort,
	kIsLocal:         KeyIsLocal,
	kAttempt:         KeyAttempt,
}

// lookup finds the number of a key; keys are compared byte by byte.
func lookup(key string) (known, bool) {
	switch key {
	case KeyRequestMethod:
		return kMethod, true
	case KeyRequestPath:
		return kPath, true
	case KeyRequestPathBase:
		return kPathBase, true
	case KeyRequestQueryString:
		return kQuery, true
	case KeyRequestScheme:
		return kScheme, true
	case KeyRequestProtocol:
		return kProtocol, true
	case KeyRequestHeaders:
		return kRequestHeaders, true
	case KeyRequestBody:
		return kRequestBody, true
	case KeyResponseStatusCode:
		return kStatus, true
	case KeyResponseReasonPhrase:
		return kReason, true
	case KeyResponseHeaders:
		return kResponseHeaders, true
	case KeyResponseBody:
		return kResponseBody, true
	case KeyCallCancelled:
		return kCancelled, true
	case KeyVersion:
		return kVersion, true
	case KeyRemoteIPAddress:
		return kRemoteIP, true
	case KeyRemotePort:
		return kRemotePort, true
	case KeyLocalIPAddress:
		return kLocalIP, true
	case KeyLocalPort:
		return kLocalPort, true
	case KeyIsLocal:
		return kIsLocal, true
	case KeyAttempt:
		return kAttempt, true
	}
	return 0, false
}

// keySet is a set of known keys.
type keySet uint32

func (s keySet) has(k known) bool { return s&(1<<k) != 0 }
func (s *keySet) add(k known)     { *s |= 1 << k }
func (s *keySet) remove(k known)  { *s &^= 1 << k }
