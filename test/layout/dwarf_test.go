package layout

import (
	"debug/dwarf"
	"debug/elf"
	"fmt"
	"strings"
	"testing"
)

// field is a member of a struct, its type described without names that C and Go spell differently.
type field struct {
	offset, size int64
	kind         string
}

// layout is a struct as the debug information tells it.
type layout struct {
	size   int64
	fields map[string]field
}

// structs reads the structs of a program that pick chooses by name, by their plain names.
func structs(t *testing.T, program string, pick func(name string) (string, bool)) map[string]layout {
	t.Helper()
	file, err := elf.Open(program)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	data, err := file.DWARF()
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]layout{}
	reader := data.Reader()
	for {
		entry, err := reader.Next()
		if err != nil {
			t.Fatal(err)
		}
		if entry == nil {
			return found
		}
		if entry.Tag != dwarf.TagStructType {
			continue
		}
		full, _ := entry.Val(dwarf.AttrName).(string)
		name, wanted := pick(full)
		if !wanted {
			continue
		}
		read, err := data.Type(entry.Offset)
		if err != nil {
			t.Fatal(err)
		}
		s := read.(*dwarf.StructType)
		l := layout{size: s.ByteSize, fields: map[string]field{}}
		for _, f := range s.Field {
			l.fields[plain(f.Name)] = field{offset: f.ByteOffset, size: f.Type.Size(), kind: describe(t, f.Type, pick)}
			if f.BitSize != 0 {
				t.Errorf("%s.%s is a bit field", full, f.Name)
			}
		}
		if len(l.fields) != len(s.Field) {
			t.Errorf("%s has %d fields, but only %d names", full, len(s.Field), len(l.fields))
		}
		found[plain(name)] = l
	}
}

// describe tells a type by widths, signs, counts and names of structs.
func describe(t *testing.T, of dwarf.Type, pick func(string) (string, bool)) string {
	switch of := of.(type) {
	case *dwarf.TypedefType:
		return describe(t, of.Type, pick)
	case *dwarf.QualType:
		return describe(t, of.Type, pick)
	case *dwarf.UintType, *dwarf.UcharType, *dwarf.CharType:
		return fmt.Sprintf("u%d", of.Size()*8)
	case *dwarf.IntType:
		return fmt.Sprintf("i%d", of.Size()*8)
	case *dwarf.ArrayType:
		return fmt.Sprintf("[%d]%s", of.Count, describe(t, of.Type, pick))
	case *dwarf.StructType:
		name, ok := pick(of.StructName)
		if !ok {
			t.Errorf("a struct of the layout holds %s, which is not one of it", of.StructName)
		}
		return plain(name)
	}
	t.Errorf("a field of type %s has no place in shared memory", of)
	return of.String()
}

// TestStructs: every struct of ring_layout.h is in package ring and the other way round, with the same fields at the
// same offsets, of the same types.
func TestStructs(t *testing.T) {
	header := source(t, "native/ring_layout.h")
	inC := structs(t, compileC(t, "#include \"ring_layout.h\"\nint main(void) { return 0; }\n"), func(name string) (string, bool) {
		return name, strings.HasPrefix(name, "ring_")
	})
	for _, name := range matches(header, `(?m)^struct (\w+) \{`) {
		if _, found := inC[plain(name)]; !found {
			t.Errorf("struct %s of ring_layout.h is not in the debug information", name)
		}
	}

	names := matches(source(t, "ring/layout.go"), `(?m)^type (\w+) struct`)
	program := "package main\n\nimport \"ringway/ring\"\n\nvar sink []any\n\nfunc main() {\n"
	declared := map[string]bool{}
	for _, name := range names {
		program += "\tsink = append(sink, new(ring." + name + "))\n"
		declared[name] = true
	}
	inGo := structs(t, buildGo(t, program+"}\n"), func(name string) (string, bool) {
		name, ours := strings.CutPrefix(name, "ringway/ring.")
		return name, ours && declared[name]
	})
	for _, name := range names {
		if _, found := inGo[plain(name)]; !found {
			t.Errorf("ring.%s is not in the debug information", name)
		}
	}

	if len(inC) < 10 {
		t.Errorf("only %d structs in C", len(inC))
	}
	for name, c := range inC {
		g, found := inGo[name]
		if !found {
			t.Errorf("%s: in C, not in Go", name)
			continue
		}
		compare(t, name, c, g)
	}
	for name := range inGo {
		if _, found := inC[name]; !found {
			t.Errorf("%s: in Go, not in C", name)
		}
	}
}

func compare(t *testing.T, name string, c, g layout) {
	if c.size != g.size {
		t.Errorf("%s: %d bytes in C, %d in Go", name, c.size, g.size)
	}
	covered := int64(0)
	for member, in := range c.fields {
		if out, found := g.fields[member]; !found || in != out {
			t.Errorf("%s.%s: %+v in C, %+v in Go (found: %v)", name, member, in, out, found)
		}
		covered += in.size
	}
	for member := range g.fields {
		if _, found := c.fields[member]; !found {
			t.Errorf("%s.%s: in Go, not in C", name, member)
		}
	}
	if covered != c.size {
		t.Errorf("%s: fields cover %d of %d bytes; padding has to be a field", name, covered, c.size)
	}
}
