package ring

// Name is the number of a well-known field name; NameOther means that the name is spelled out.
type Name uint16

// The well-known field names of native/ring_names.h. Numbers are part of the layout version and only ever appended.
const (
	NameOther Name = iota
	NameHost
	NameConnection
	NameContentLength
	NameTransferEncoding
	NameTe
	NameTrailer
	NameUpgrade
	NameKeepAlive
	NameProxyConnection
	NameExpect
	NameContentType
	NameContentEncoding
	NameContentRange
	NameContentLanguage
	NameContentDisposition
	NameDate
	NameServer
	NameAccept
	NameAcceptEncoding
	NameAcceptLanguage
	NameAcceptRanges
	NameUserAgent
	NameReferer
	NameOrigin
	NameCookie
	NameSetCookie
	NameAuthorization
	NameCacheControl
	NamePragma
	NameEtag
	NameLastModified
	NameIfMatch
	NameIfNoneMatch
	NameIfModifiedSince
	NameIfUnmodifiedSince
	NameIfRange
	NameRange
	NameLocation
	NameVary
	NameExpires
	NameAge
	NameAllow
	NameLink
	NameRetryAfter
	NameWwwAuthenticate
	NameXForwardedFor
	NameXForwardedProto
	NameXForwardedHost
	NameForwarded
	NameXRequestId
	NameTraceparent
	NameTracestate
	NameXContentTypeOptions
	NameSecWebsocketKey
	NameSecWebsocketVersion
	NameSecWebsocketProtocol
	NameSecWebsocketExtensions
	NameSecWebsocketAccept
	NameCount
)

// canonicalNames holds each name as net/http spells its header keys, which is also how HTTP/1.1 writes it.
var canonicalNames = [NameCount]string{
	NameHost:                   "Host",
	NameConnection:             "Connection",
	NameContentLength:          "Content-Length",
	NameTransferEncoding:       "Transfer-Encoding",
	NameTe:                     "Te",
	NameTrailer:                "Trailer",
	NameUpgrade:                "Upgrade",
	NameKeepAlive:              "Keep-Alive",
	NameProxyConnection:        "Proxy-Connection",
	NameExpect:                 "Expect",
	NameContentType:            "Content-Type",
	NameContentEncoding:        "Content-Encoding",
	NameContentRange:           "Content-Range",
	NameContentLanguage:        "Content-Language",
	NameContentDisposition:     "Content-Disposition",
	NameDate:                   "Date",
	NameServer:                 "Server",
	NameAccept:                 "Accept",
	NameAcceptEncoding:         "Accept-Encoding",
	NameAcceptLanguage:         "Accept-Language",
	NameAcceptRanges:           "Accept-Ranges",
	NameUserAgent:              "User-Agent",
	NameReferer:                "Referer",
	NameOrigin:                 "Origin",
	NameCookie:                 "Cookie",
	NameSetCookie:              "Set-Cookie",
	NameAuthorization:          "Authorization",
	NameCacheControl:           "Cache-Control",
	NamePragma:                 "Pragma",
	NameEtag:                   "Etag",
	NameLastModified:           "Last-Modified",
	NameIfMatch:                "If-Match",
	NameIfNoneMatch:            "If-None-Match",
	NameIfModifiedSince:        "If-Modified-Since",
	NameIfUnmodifiedSince:      "If-Unmodified-Since",
	NameIfRange:                "If-Range",
	NameRange:                  "Range",
	NameLocation:               "Location",
	NameVary:                   "Vary",
	NameExpires:                "Expires",
	NameAge:                    "Age",
	NameAllow:                  "Allow",
	NameLink:                   "Link",
	NameRetryAfter:             "Retry-After",
	NameWwwAuthenticate:        "Www-Authenticate",
	NameXForwardedFor:          "X-Forwarded-For",
	NameXForwardedProto:        "X-Forwarded-Proto",
	NameXForwardedHost:         "X-Forwarded-Host",
	NameForwarded:              "Forwarded",
	NameXRequestId:             "X-Request-Id",
	NameTraceparent:            "Traceparent",
	NameTracestate:             "Tracestate",
	NameXContentTypeOptions:    "X-Content-Type-Options",
	NameSecWebsocketKey:        "Sec-Websocket-Key",
	NameSecWebsocketVersion:    "Sec-Websocket-Version",
	NameSecWebsocketProtocol:   "Sec-Websocket-Protocol",
	NameSecWebsocketExtensions: "Sec-Websocket-Extensions",
	NameSecWebsocketAccept:     "Sec-Websocket-Accept",
}

// lowerNames holds each name as HTTP/2 and the OWIN environment spell it.
var lowerNames = [NameCount]string{
	NameHost:                   "host",
	NameConnection:             "connection",
	NameContentLength:          "content-length",
	NameTransferEncoding:       "transfer-encoding",
	NameTe:                     "te",
	NameTrailer:                "trailer",
	NameUpgrade:                "upgrade",
	NameKeepAlive:              "keep-alive",
	NameProxyConnection:        "proxy-connection",
	NameExpect:                 "expect",
	NameContentType:            "content-type",
	NameContentEncoding:        "content-encoding",
	NameContentRange:           "content-range",
	NameContentLanguage:        "content-language",
	NameContentDisposition:     "content-disposition",
	NameDate:                   "date",
	NameServer:                 "server",
	NameAccept:                 "accept",
	NameAcceptEncoding:         "accept-encoding",
	NameAcceptLanguage:         "accept-language",
	NameAcceptRanges:           "accept-ranges",
	NameUserAgent:              "user-agent",
	NameReferer:                "referer",
	NameOrigin:                 "origin",
	NameCookie:                 "cookie",
	NameSetCookie:              "set-cookie",
	NameAuthorization:          "authorization",
	NameCacheControl:           "cache-control",
	NamePragma:                 "pragma",
	NameEtag:                   "etag",
	NameLastModified:           "last-modified",
	NameIfMatch:                "if-match",
	NameIfNoneMatch:            "if-none-match",
	NameIfModifiedSince:        "if-modified-since",
	NameIfUnmodifiedSince:      "if-unmodified-since",
	NameIfRange:                "if-range",
	NameRange:                  "range",
	NameLocation:               "location",
	NameVary:                   "vary",
	NameExpires:                "expires",
	NameAge:                    "age",
	NameAllow:                  "allow",
	NameLink:                   "link",
	NameRetryAfter:             "retry-after",
	NameWwwAuthenticate:        "www-authenticate",
	NameXForwardedFor:          "x-forwarded-for",
	NameXForwardedProto:        "x-forwarded-proto",
	NameXForwardedHost:         "x-forwarded-host",
	NameForwarded:              "forwarded",
	NameXRequestId:             "x-request-id",
	NameTraceparent:            "traceparent",
	NameTracestate:             "tracestate",
	NameXContentTypeOptions:    "x-content-type-options",
	NameSecWebsocketKey:        "sec-websocket-key",
	NameSecWebsocketVersion:    "sec-websocket-version",
	NameSecWebsocketProtocol:   "sec-websocket-protocol",
	NameSecWebsocketExtensions: "sec-websocket-extensions",
	NameSecWebsocketAccept:     "sec-websocket-accept",
}
