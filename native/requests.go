package native

/*
#include "gw.h"
*/
import "C"

import (
	"fmt"
	"time"
	"unsafe"

	"ringway/internal/engine"
)

// requestStates are those of gw.h.
var requestStates = map[C.enum_gw_request_state]string{
	C.GW_REQUEST_PARKED:    "parked",
	C.GW_REQUEST_QUEUED:    "queued",
	C.GW_REQUEST_RUNNING:   "running",
	C.GW_REQUEST_ANSWERING: "answering",
	C.GW_REQUEST_SENDING:   "sending",
}

// listWait is how long a loop may take to say what it has in flight.
const listWait = time.Second

// Requests returns up to limit of the requests in flight, and how many there are. Each loop is asked and answers between
// two turns; one that does not is an error.
func (g *Gateway) Requests(limit int) ([]engine.Request, int, error) {
	g.listing.Lock()
	defer g.listing.Unlock()
	requests, total := []engine.Request{}, 0
	for loop := range g.loops {
		found := make([]C.struct_gw_request, max(limit-len(requests), 1))
		var count C.uint32_t
		rc := C.gw_list(g.gw, C.uint32_t(loop), &found[0], C.uint32_t(len(found)), C.uint64_t(listWait.Nanoseconds()), &count)
		if rc != 0 {
			return nil, 0, fmt.Errorf("listing what loop %d has in flight: %w", loop, errno(rc))
		}
		total += int(count)
		for i := range min(int(count), len(found), limit-len(requests)) {
			requests = append(requests, request(loop, &found[i]))
		}
	}
	return requests, total, nil
}

func request(loop int, c *C.struct_gw_request) engine.Request {
	return engine.Request{
		Loop: loop, Age: time.Duration(c.age_ns), State: requestStates[uint32(c.state)], Worker: uint64(c.worker), Retried: c.attempt != 0,
		Method: text(unsafe.Pointer(&c.method), c.method_length), Path: text(unsafe.Pointer(&c.path), c.path_length),
		Client: endpoint(c.client),
	}
}

func text(bytes unsafe.Pointer, length C.uint16_t) string {
	return C.GoStringN((*C.char)(bytes), C.int(length))
}
