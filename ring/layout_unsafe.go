package ring

import "unsafe"

// Each line stops compiling when an offset or size differs from native/ring_layout.h.
var (
	_ [0]struct{}   = [unsafe.Offsetof(SegmentHeader{}.Magic)]struct{}{}
	_ [8]struct{}   = [unsafe.Offsetof(SegmentHeader{}.LayoutVersion)]struct{}{}
	_ [12]struct{}  = [unsafe.Offsetof(SegmentHeader{}.Kind)]struct{}{}
	_ [16]struct{}  = [unsafe.Offsetof(SegmentHeader{}.SegmentSize)]struct{}{}
	_ [24]struct{}  = [unsafe.Offsetof(SegmentHeader{}.Features)]struct{}{}
	_ [32]struct{}  = [unsafe.Offsetof(SegmentHeader{}.LaneCount)]struct{}{}
	_ [36]struct{}  = [unsafe.Offsetof(SegmentHeader{}.RingSlots)]struct{}{}
	_ [40]struct{}  = [unsafe.Offsetof(SegmentHeader{}.ExchangeSlots)]struct{}{}
	_ [44]struct{}  = [unsafe.Offsetof(SegmentHeader{}.ArenaUnits)]struct{}{}
	_ [48]struct{}  = [unsafe.Offsetof(SegmentHeader{}.WorkerID)]struct{}{}
	_ [56]struct{}  = [unsafe.Offsetof(SegmentHeader{}.Reserved)]struct{}{}
	_ [128]struct{} = [unsafe.Sizeof(SegmentHeader{})]struct{}{}

	_ [128]struct{} = [unsafe.Sizeof(Word{})]struct{}{}

	_ [0]struct{}   = [unsafe.Offsetof(InboundWords{}.InTail)]struct{}{}
	_ [128]struct{} = [unsafe.Offsetof(InboundWords{}.OutHead)]struct{}{}
	_ [256]struct{} = [unsafe.Offsetof(InboundWords{}.OutReturnTail)]struct{}{}
	_ [384]struct{} = [unsafe.Offsetof(InboundWords{}.InReturnHead)]struct{}{}
	_ [512]struct{} = [unsafe.Sizeof(InboundWords{})]struct{}{}

	_ [0]struct{}         = [unsafe.Offsetof(OutboundWords{}.InHead)]struct{}{}
	_ [128]struct{}       = [unsafe.Offsetof(OutboundWords{}.OutTail)]struct{}{}
	_ [256]struct{}       = [unsafe.Offsetof(OutboundWords{}.InReturnTail)]struct{}{}
	_ [384]struct{}       = [unsafe.Offsetof(OutboundWords{}.OutReturnHead)]struct{}{}
	_ [512]struct{}       = [unsafe.Offsetof(OutboundWords{}.WorkerArmed)]struct{}{}
	_ [640]struct{}       = [unsafe.Offsetof(OutboundWords{}.GatewayArmed)]struct{}{}
	_ [768]struct{}       = [unsafe.Offsetof(OutboundWords{}.WorkerStarved)]struct{}{}
	_ [896]struct{}       = [unsafe.Offsetof(OutboundWords{}.GatewayStarved)]struct{}{}
	_ [WordsSize]struct{} = [unsafe.Sizeof(OutboundWords{})]struct{}{}

	_ [0]struct{}         = [unsafe.Offsetof(Event{}.Kind)]struct{}{}
	_ [1]struct{}         = [unsafe.Offsetof(Event{}.Flags)]struct{}{}
	_ [2]struct{}         = [unsafe.Offsetof(Event{}.Status)]struct{}{}
	_ [4]struct{}         = [unsafe.Offsetof(Event{}.Exchange)]struct{}{}
	_ [8]struct{}         = [unsafe.Offsetof(Event{}.Generation)]struct{}{}
	_ [12]struct{}        = [unsafe.Offsetof(Event{}.Credit)]struct{}{}
	_ [16]struct{}        = [unsafe.Offsetof(Event{}.HeadBlock)]struct{}{}
	_ [20]struct{}        = [unsafe.Offsetof(Event{}.HeadOffset)]struct{}{}
	_ [24]struct{}        = [unsafe.Offsetof(Event{}.HeadLength)]struct{}{}
	_ [28]struct{}        = [unsafe.Offsetof(Event{}.FileLow)]struct{}{}
	_ [32]struct{}        = [unsafe.Offsetof(Event{}.BodyBlock)]struct{}{}
	_ [36]struct{}        = [unsafe.Offsetof(Event{}.BodyOffset)]struct{}{}
	_ [40]struct{}        = [unsafe.Offsetof(Event{}.BodyLength)]struct{}{}
	_ [44]struct{}        = [unsafe.Offsetof(Event{}.FileHigh)]struct{}{}
	_ [48]struct{}        = [unsafe.Offsetof(Event{}.Total)]struct{}{}
	_ [56]struct{}        = [unsafe.Offsetof(Event{}.TimeNs)]struct{}{}
	_ [EventSize]struct{} = [unsafe.Sizeof(Event{})]struct{}{}

	_ [8]struct{}  = [unsafe.Sizeof(Span{})]struct{}{}
	_ [2]struct{}  = [unsafe.Offsetof(Endpoint{}.Port)]struct{}{}
	_ [4]struct{}  = [unsafe.Offsetof(Endpoint{}.Address)]struct{}{}
	_ [20]struct{} = [unsafe.Sizeof(Endpoint{})]struct{}{}

	_ [4]struct{}   = [unsafe.Offsetof(RequestHead{}.HeaderCount)]struct{}{}
	_ [6]struct{}   = [unsafe.Offsetof(RequestHead{}.Method)]struct{}{}
	_ [7]struct{}   = [unsafe.Offsetof(RequestHead{}.Version)]struct{}{}
	_ [8]struct{}   = [unsafe.Offsetof(RequestHead{}.Scheme)]struct{}{}
	_ [9]struct{}   = [unsafe.Offsetof(RequestHead{}.BodyKind)]struct{}{}
	_ [10]struct{}  = [unsafe.Offsetof(RequestHead{}.Flags)]struct{}{}
	_ [11]struct{}  = [unsafe.Offsetof(RequestHead{}.Attempt)]struct{}{}
	_ [12]struct{}  = [unsafe.Offsetof(RequestHead{}.Reserved)]struct{}{}
	_ [16]struct{}  = [unsafe.Offsetof(RequestHead{}.ContentLength)]struct{}{}
	_ [24]struct{}  = [unsafe.Offsetof(RequestHead{}.MethodName)]struct{}{}
	_ [32]struct{}  = [unsafe.Offsetof(RequestHead{}.Target)]struct{}{}
	_ [40]struct{}  = [unsafe.Offsetof(RequestHead{}.Path)]struct{}{}
	_ [48]struct{}  = [unsafe.Offsetof(RequestHead{}.Query)]struct{}{}
	_ [56]struct{}  = [unsafe.Offsetof(RequestHead{}.Authority)]struct{}{}
	_ [64]struct{}  = [unsafe.Offsetof(RequestHead{}.Remote)]struct{}{}
	_ [84]struct{}  = [unsafe.Offsetof(RequestHead{}.Local)]struct{}{}
	_ [104]struct{} = [unsafe.Sizeof(RequestHead{})]struct{}{}

	_ [4]struct{}  = [unsafe.Offsetof(Field{}.NameLength)]struct{}{}
	_ [6]struct{}  = [unsafe.Offsetof(Field{}.ID)]struct{}{}
	_ [8]struct{}  = [unsafe.Offsetof(Field{}.ValueOffset)]struct{}{}
	_ [12]struct{} = [unsafe.Offsetof(Field{}.ValueLength)]struct{}{}
	_ [16]struct{} = [unsafe.Sizeof(Field{})]struct{}{}

	_ [2]struct{} = [unsafe.Offsetof(ListEntry{}.NameLength)]struct{}{}
	_ [4]struct{} = [unsafe.Offsetof(ListEntry{}.ValueLength)]struct{}{}
	_ [8]struct{} = [unsafe.Sizeof(ListEntry{})]struct{}{}
)

// Sizes of the heads inside blocks.
const (
	requestHeadSize = int(unsafe.Sizeof(RequestHead{}))
	fieldSize       = int(unsafe.Sizeof(Field{}))
	listEntrySize   = int(unsafe.Sizeof(ListEntry{}))
)
