package ring

// The constants of native/ring_layout.h.
const (
	Magic         uint64 = 0x31594157474e4952 // the bytes "RINGWAY1"
	LayoutVersion uint32 = 2
	Features      uint64 = 0 // bits a peer must know

	KindInbound  uint32 = 1
	KindOutbound uint32 = 2

	Page          = 4096
	Unit          = 1024 // bytes of the smallest block
	ChunkUnits    = 64
	MaxOrder      = 6
	MaxBlock      = Unit << MaxOrder
	ReasonBytes   = 128
	NoBlock       = ^uint32(0)
	WordsSize     = 1024
	ClaimStride   = 64
	EventSize     = 64
	LengthUnknown = ^uint64(0)

	MaxLanes      = 64
	MaxExchanges  = 16384
	MaxArenaUnits = 262144

	// LaneFiles is how many descriptors of a lane the worker may have under way: sent, and no FILE_DONE yet.
	LaneFiles = 128

	// BaseWindow is what every exchange owns of the response window, always.
	BaseWindow = 4096
)

// States of a claim word, its low 32 bits.
const (
	ClaimFree      uint32 = 0
	ClaimQueued    uint32 = 1
	ClaimClaimed   uint32 = 2
	ClaimCancelled uint32 = 3
)

// Event kinds, flags and the reasons of a CANCEL.
const (
	EventRequest uint8 = 1
	EventBody    uint8 = 2
	EventCredit  uint8 = 3
	EventCancel  uint8 = 4

	EventFileDone uint8 = 5

	EventResponse     uint8 = 16
	EventResponseBody uint8 = 17
	EventInform       uint8 = 18
	EventContinue     uint8 = 19
	EventWant         uint8 = 20
	EventAbort        uint8 = 21
	EventResponseFile uint8 = 22
	EventFileStop     uint8 = 23

	FlagEnd      uint8 = 1
	FlagTrailers uint8 = 2
	FlagRetry    uint8 = 4
	FlagShut     uint8 = 16

	CancelGone       uint16 = 1
	CancelHalfClosed uint16 = 2
	CancelDeadline   uint16 = 3
	CancelStopping   uint16 = 4
	CancelRejected   uint16 = 5

	FileSent uint16 = 1
	FileCut  uint16 = 2
)

// Well-known methods of a request block; MethodOther means: see the span.
const (
	MethodOther uint8 = iota
	MethodGet
	MethodHead
	MethodPost
	MethodPut
	MethodDelete
	MethodOptions
	MethodPatch
	MethodTrace
	MethodConnect
)

// How the length of a request body is told, and the flags of a request block.
const (
	BodyNone    uint8 = 0
	BodyLength  uint8 = 1
	BodyChunked uint8 = 2

	RequestExpectContinue uint8 = 1
	RequestClose          uint8 = 2
	RequestUpgrade        uint8 = 4
)

// SegmentHeader starts each segment; Magic is stored last.
type SegmentHeader struct {
	Magic         uint64
	LayoutVersion uint32
	Kind          uint32
	SegmentSize   uint64
	Features      uint64
	LaneCount     uint32
	RingSlots     uint32
	ExchangeSlots uint32
	ArenaUnits    uint32
	WorkerID      uint64
	Reserved      [9]uint64
}

// Word is an index alone on 128 bytes.
type Word struct {
	Value uint64
	Pad   [15]uint64
}

// InboundWords starts an inbound lane part; the gateway writes it.
type InboundWords struct {
	InTail        Word
	OutHead       Word
	OutReturnTail Word
	InReturnHead  Word
}

// OutboundWords starts an outbound lane part; the worker writes it, the last four are exchanged by both.
type OutboundWords struct {
	InHead         Word
	OutTail        Word
	InReturnTail   Word
	OutReturnHead  Word
	WorkerArmed    Word
	GatewayArmed   Word
	WorkerStarved  Word
	GatewayStarved Word
}

// Event is a slot of an event ring.
type Event struct {
	Kind       uint8
	Flags      uint8
	Status     uint16
	Exchange   uint32
	Generation uint32
	Credit     uint32
	HeadBlock  uint32
	HeadOffset uint32
	HeadLength uint32
	FileLow    uint32
	BodyBlock  uint32
	BodyOffset uint32
	BodyLength uint32
	FileHigh   uint32
	Total      uint64
	TimeNs     uint64
}

// Span is a piece of a request block, counted from the block's first byte.
type Span struct {
	Offset uint32
	Length uint32
}

// Endpoint is one end of the client's connection: Family 0 (none), 4 or 6, Address in network order.
type Endpoint struct {
	Family   uint8
	Reserved uint8
	Port     uint16
	Address  [16]uint8
}

// RequestHead starts a request block.
type RequestHead struct {
	Size          uint32
	HeaderCount   uint16
	Method        uint8
	Version       uint8
	Scheme        uint8
	BodyKind      uint8
	Flags         uint8
	Attempt       uint8
	Reserved      uint32
	ContentLength uint64
	MethodName    Span
	Target        Span
	Path          Span
	Query         Span
	Authority     Span
	Remote        Endpoint
	Local         Endpoint
}

// Field is one header of a request block; ID 0 means: see the name.
type Field struct {
	NameOffset  uint32
	NameLength  uint16
	ID          uint16
	ValueOffset uint32
	ValueLength uint32
}

// ListEntry starts each record of a field list.
type ListEntry struct {
	ID          uint16
	NameLength  uint16
	ValueLength uint32
}
