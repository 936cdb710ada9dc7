// Package envmap is the OWIN environment of one request: a dictionary whose values are decoded from the request block
// only when they are asked for, with typed accessors beside it. Save for opening files that an application names it does
// no I/O of its own, and it needs no cgo.
//
// # Applications
//
// An [App] gets an [Env], reads the request from it, describes and writes the response through it, and returns.
// [Middleware] wraps an App; a [Builder] chains both when a server starts, and knows the start-up [Properties]:
//
//	err := bridge.ServeStartup(ctx, func(b *envmap.Builder) (envmap.App, error) {
//		return b.Use(logging).Map("/api", api).Run(site)
//	})
//
// A [Runner] calls an App for one [Exchange] after another; package bridge does that over shared memory, package
// envmap/envhttp behind net/http, whose handlers and middleware it joins with those here, tests with package
// envmap/envtest. Package envmap/envsocket adds WebSockets.
//
// # The dictionary
//
// Get, Set, Has, Delete, Add, DeletePair, Keys, All, Len and Clear are the dictionary. Its keys are the Key constants and
// whatever an application adds, except new keys "owin."; they are case-sensitive. Method, Path, Header and the other
// accessors show the same values. A key that nobody asks for is never decoded. What OWIN has as .NET types is here
//
//	IDictionary<string, object>, per request       Env
//	IDictionary<string, object>, at start-up       *Properties
//	IDictionary<string, object>, elsewhere         map[string]any
//	IDictionary<string, string[]>                  Headers; http.Header and map[string][]string can be assigned
//	Func<IDictionary<string, object>, Task>        App: it blocks where a Task would be awaited, its error is the fault
//	Func<AppFunc, AppFunc>                         Middleware
//	IAppBuilder                                    *Builder
//	Stream of the request                          io.Reader, also an io.Closer that does nothing
//	Stream of the response                         io.Writer, also an io.Closer that does nothing
//	opaque.Stream                                  Stream
//	CancellationToken                              context.Context
//	Action<Action<object>, object>                 func(func()) error: a closure needs no state (server.OnSendingHeaders)
//	Action<Func<Task>>                             func(func(context.Context) error) (server.OnInit)
//	Func<string, long, long?, CancellationToken,   SendFile: the context comes first, a negative count is none
//	  Task>
//	Action<IDictionary<string, object>, Func<...>> Upgrade (opaque.Upgrade, websocket.Accept)
//	IList<IDictionary<string, object>>             []map[string]string (host.Addresses)
//	TextWriter                                     io.Writer (host.TraceOutput)
//	null                                           an absent key
//	exceptions of the dictionary                   ErrKeyExists, ErrSealed, ErrEnded and the other errors
//
// An Env is passed by value: it is a handle of two words, so that one that is kept can be told from its successors and
// handing it out costs nothing.
//
// # Paths
//
// Path and PathBase are percent-decoded once, as UTF-8 if that is what they are. Every valid escape is decoded, so "%2F" is
// a slash and "%00" a NUL; "//", "/../" and backslashes mean nothing and stay. Target is the request target as received.
//
// # Lifetime
//
//  1. An Env is valid until its App has returned. After that every method fails safely: accessors give zero values,
//     calls that report errors give [ErrEnded]. It never shows another request, however long it is kept.
//  2. Methods named ...Bytes return borrowed memory: it must be neither changed nor kept after the App has returned.
//     All others return values that may be kept for ever.
//  3. An Env may be used by several goroutines at once. Calls that write the response wait for each other.
//
// # Response
//
// Status and fields may change until the first body write, which runs the callbacks of OnSendingHeaders and seals them; a
// small body is held back until the App has returned, so that it leaves in one piece with its length. An error or panic
// before the first write is answered with 500; after it the response is cut off, never ended as if it were whole. Invalid
// values that the App left in the environment (a status below 200, a field name that is no token, a value of the wrong type) are
// such errors too. A response that fails, and an Upgrade that comes to nothing, cancel the Context.
package envmap
