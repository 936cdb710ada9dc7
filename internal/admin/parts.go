package admin

import (
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"
)

// parts are the fields of a Snapshot by their names in JSON.
var parts = func() map[string]int {
	byName := make(map[string]int)
	for i, field := range reflect.VisibleFields(reflect.TypeFor[Snapshot]()) {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		byName[name] = i
	}
	return byName
}()

// answerPart answers one part of the snapshot: GET /stats/{part}.
func answerPart(host Host, w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("part")
	i, found := parts[name]
	if !found {
		fail(w, http.StatusNotFound, CodeUnknown, fmt.Sprintf("no part %.32q, expected one of %s", name, strings.Join(slices.Sorted(maps.Keys(parts)), ", ")))
		return
	}
	value := reflect.ValueOf(host.Snapshot()).Field(i)
	if value.Kind() == reflect.Pointer && value.IsNil() {
		fail(w, http.StatusNotFound, CodeUnknown, fmt.Sprintf("this gateway has no %s, expected a part that /stats has", name))
		return
	}
	answer(w, http.StatusOK, value.Interface())
}
