// Package envhttp joins the worlds of package envmap and net/http: an http.Handler can be an envmap.App and the other way
// round, and middleware of either kind can stand in front of applications of either kind. It also has a chained [Reply] for
// http.Handlers, as envmap.Env has.
//
// # Handlers as Apps
//
// A handler that runs as an App gets a request that shows what the environment shows: Path is URL.Path without PathBase,
// as after http.StripPrefix; RequestURI is as it was received. Its context is owin.CallCancelled. The response fields that are
// in the environment are in its Header. It may keep what it gets, as in net/http. There are no interim responses, no
// trailers and no http.Hijacker, for which an environment has no words.
//
// # Apps as handlers
//
// An App that runs as a handler sees the request as the handler would. With a server of package net/http in front, the
// environment has no start-up properties. Where an environment stands further out (middleware of net/http between two
// Apps), the inner App has that very environment, with what the middleware changed: method, path, query, fields, body and
// context of the request; what the App writes goes through the http.ResponseWriter of the middleware. These changes are
// undone when the App has returned. An error of the inner App reaches the outer one past the middleware.
package envhttp
