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
	KeyResponseProtocol     = "owin.ResponseProtocol"     // string; absent until set; the gateway decides which one is spoken
	KeyResponseHeaders      = "owin.ResponseHeaders"      // Headers, http.Header or map[string][]string
	KeyResponseBody         = "owin.ResponseBody"         // io.Writer

	KeyCallCancelled = "owin.CallCancelled" // context.Context
	KeyVersion       = "owin.Version"       // string
)

// Keys of the OWIN 1.0.1 draft.
const (
	KeyRequestID   = "owin.RequestId"   // string: the X-Request-Id that the gateway gave; absent if it gave none
	KeyRequestUser = "owin.RequestUser" // any; absent until a middleware says who the user is
)

// OWIN's common keys. Those of an address are absent where the connection has none, as on a Unix socket.
const (
	KeyRemoteIPAddress  = "server.RemoteIpAddress"  // string
	KeyRemotePort       = "server.RemotePort"       // string
	KeyLocalIPAddress   = "server.LocalIpAddress"   // string
	KeyLocalPort        = "server.LocalPort"        // string
	KeyIsLocal          = "server.IsLocal"          // bool
	KeyCapabilities     = "server.Capabilities"     // map[string]any, the same at start-up and in each request
	KeyOnSendingHeaders = "server.OnSendingHeaders" // func(callback func()) error
	KeyOnInit           = "server.OnInit"           // start-up: func(callback func(context.Context) error)
	KeyOnDispose        = "server.OnDispose"        // start-up: context.Context, cancelled when the last request is done
	KeyTraceOutput      = "host.TraceOutput"        // io.Writer
	KeyAddresses        = "host.Addresses"          // start-up: []map[string]string with scheme, host, port, path

	// The gateway does not end TLS, so it never knows one; a middleware may, from what a proxy says.
	KeyClientCertificate = "ssl.ClientCertificate" // *x509.Certificate
)

// KeyAttempt is Ringway's own: how often the request was given to an App before, int. It is 1 if the worker that had it died,
// else 0; nothing is given to more than two.
const KeyAttempt = "ringway.Attempt"
