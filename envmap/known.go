package envmap

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
	kResponseProtocol
	kRequestID
	kRequestUser
	kCapabilities
	kOnSendingHeaders
	kTraceOutput
	kSendFile
	kUpgrade
	knownCount
)

var knownNames = [knownCount]string{
	kMethod:           KeyRequestMethod,
	kPath:             KeyRequestPath,
	kPathBase:         KeyRequestPathBase,
	kQuery:            KeyRequestQueryString,
	kScheme:           KeyRequestScheme,
	kProtocol:         KeyRequestProtocol,
	kRequestHeaders:   KeyRequestHeaders,
	kRequestBody:      KeyRequestBody,
	kStatus:           KeyResponseStatusCode,
	kReason:           KeyResponseReasonPhrase,
	kResponseHeaders:  KeyResponseHeaders,
	kResponseBody:     KeyResponseBody,
	kCancelled:        KeyCallCancelled,
	kVersion:          KeyVersion,
	kRemoteIP:         KeyRemoteIPAddress,
	kRemotePort:       KeyRemotePort,
	kLocalIP:          KeyLocalIPAddress,
	kLocalPort:        KeyLocalPort,
	kIsLocal:          KeyIsLocal,
	kAttempt:          KeyAttempt,
	kResponseProtocol: KeyResponseProtocol,
	kRequestID:        KeyRequestID,
	kRequestUser:      KeyRequestUser,
	kCapabilities:     KeyCapabilities,
	kOnSendingHeaders: KeyOnSendingHeaders,
	kTraceOutput:      KeyTraceOutput,
	kSendFile:         KeySendFileAsync,
	kUpgrade:          KeyOpaqueUpgrade,
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
	case KeyResponseProtocol:
		return kResponseProtocol, true
	case KeyRequestID:
		return kRequestID, true
	case KeyRequestUser:
		return kRequestUser, true
	case KeyCapabilities:
		return kCapabilities, true
	case KeyOnSendingHeaders:
		return kOnSendingHeaders, true
	case KeyTraceOutput:
		return kTraceOutput, true
	case KeySendFileAsync:
		return kSendFile, true
	case KeyOpaqueUpgrade:
		return kUpgrade, true
	}
	return 0, false
}

// keySet is a set of known keys, a bit for each.
type keySet uint32

const _ = keySet(1) << (knownCount - 1) // there is a bit for the last one

func (s keySet) has(k known) bool { return s&(1<<k) != 0 }
func (s *keySet) add(k known)     { *s |= 1 << k }
func (s *keySet) remove(k known)  { *s &^= 1 << k }
