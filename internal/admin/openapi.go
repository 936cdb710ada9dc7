package admin

import (
	"fmt"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/google/jsonschema-go/jsonschema"
)

// schemaTypes are types whose values the package of schemas does not know.
var schemaTypes = &jsonschema.ForOptions{TypeSchemas: map[reflect.Type]*jsonschema.Schema{
	reflect.TypeFor[time.Time](): {Type: "string", Format: "date-time"},
	reflect.TypeFor[Code](): {Type: "string", Enum: []any{
		CodeBadOrder, CodeBadQuery, CodeNoToken, CodeForeign, CodeUnknown, CodeMethod, CodeConflict, CodeNotJSON, CodeMisdirected, CodeBusy,
		CodeUnavailable,
	}},
}}

type object = map[string]any

// describe makes the OpenAPI 3.1 description of the routes. The schemas are those of the types that are encoded and decoded.
func describe(all []route) object {
	paths, schemas := object{}, object{}
	reference := func(value any) object {
		t := reflect.TypeOf(value)
		if t.Kind() == reflect.Slice {
			return object{"type": "array", "items": object{"$ref": addSchema(schemas, t.Elem())}}
		}
		return object{"$ref": addSchema(schemas, t)}
	}
	problem := object{"application/problem+json": object{"schema": reference(Problem{})}}
	for _, r := range all {
		content := object{}
		switch {
		case r.kind == kindEvents:
			content[r.kind] = object{"schema": object{
				"type": "string", "description": "events `state` (data: Event) and `sample` (data: Sample); Last-Event-ID goes on where one ended"}}
			reference(Event{})
			reference(Sample{})
		case r.answer == nil && r.kind == kindJSON:
			content[r.kind] = object{"schema": object{}} // as in the whole
		case r.answer == nil:
			content[r.kind] = object{"schema": object{"type": "string"}}
		default:
			content[r.kind] = object{"schema": reference(r.answer)}
		}
		responses := object{"200": object{"description": "done", "content": content}}
		if r.kind == kindLines {
			responses["200"].(object)["description"] = "begun; a line for each step, the last one with done"
		}
		for _, status := range append([]int{http.StatusUnauthorized, http.StatusForbidden, http.StatusMisdirectedRequest}, r.status...) {
			failure := problem
			if r.path == "/readyz" && status == http.StatusServiceUnavailable {
				failure = content
			}
			responses[strconv.Itoa(status)] = object{"description": http.StatusText(status), "content": failure}
		}
		operation := object{"summary": r.summary, "operationId": operationID(r), "responses": responses}
		if r.body != nil {
			operation["requestBody"] = object{"required": true, "content": object{kindJSON: object{"schema": reference(r.body)}}}
		}
		if len(r.query) > 0 {
			var parameters []object
			for _, p := range r.query {
				parameters = append(parameters, object{"name": p.name, "in": p.in, "required": p.in == "path", "description": p.text, "schema": p.schema})
			}
			operation["parameters"] = parameters
		}
		item, found := paths[r.path].(object)
		if !found {
			item = object{}
			paths[r.path] = item
		}
		item[strings.ToLower(r.method)] = operation
	}
	return object{
		"openapi": "3.1.0",
		"info": object{
			"title": "Ringway admin API", "version": "1",
			"description": "What operators ask of a gateway and order it to do.",
		},
		"security": []object{{}, {"token": []string{}}},
		"paths":    paths,
		"components": object{
			"schemas":         schemas,
			"securitySchemes": object{"token": object{"type": "http", "scheme": "bearer"}},
		},
	}
}

func operationID(r route) string {
	return strings.ToLower(r.method) + strings.ReplaceAll(strings.TrimSuffix(r.path, "/"), "/", "-")
}

// addSchema adds the schema of a type, once, and returns the reference to it.
func addSchema(schemas object, t reflect.Type) string {
	name := t.Name()
	if name == "" {
		name = "Empty" // struct{}
	}
	if _, found := schemas[name]; !found {
		schema, err := jsonschema.ForType(t, schemaTypes)
		if err != nil {
			panic(fmt.Sprintf("admin: type %v has no schema: %v", t, err)) // of this package's own types only
		}
		schemas[name] = schema
	}
	return "#/components/schemas/" + name
}
