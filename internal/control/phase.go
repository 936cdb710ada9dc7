package control

import "fmt"

// phase is where the conversation with a worker stands.
type phase int

const (
	phaseHello   phase = iota // nothing was received yet
	phaseAttach               // segments were passed on; the worker maps them
	phaseServing              // the worker is ready
	phaseLeaving              // the worker wants to stop; nothing more is expected from it but its end
)

func (p phase) String() string {
	return [...]string{"hello", "attach", "serving", "leaving"}[p]
}

// sequence says which packet of a worker is legal in which phase, and which phase it leads to.
var sequence = map[phase]map[string]phase{
	phaseHello:   {typeHello: phaseAttach},
	phaseAttach:  {typeReady: phaseServing, typeLeaving: phaseLeaving},
	phaseServing: {typeLeaving: phaseLeaving},
	phaseLeaving: {},
}

// next returns the phase after a packet, or an error that names what would have been legal.
func (p phase) next(packetType string) (phase, error) {
	next, legal := sequence[p][packetType]
	if !legal {
		return p, fmt.Errorf("packet %.32q in phase %s, expected %s", packetType, p, p.expected())
	}
	return next, nil
}

func (p phase) expected() string {
	switch p {
	case phaseHello:
		return typeHello
	case phaseAttach:
		return typeReady + " or " + typeLeaving
	case phaseServing:
		return typeLeaving
	}
	return "none"
}
