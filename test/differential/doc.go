// Package differential compares Ringway's request parser with two foreign ones, net/http's and Node's llhttp, on
// generated and mutated requests.
//
// All three are strict in other places, so differences are expected; each has to belong to a class of classes.tsv,
// which names the difference, the RFC clause and why Ringway's side of it is right. What belongs to a class is decided
// by a predicate over the raw bytes that is written without the parser. A difference without a class fails the test.
//
// The test runs a small number of inputs; `make native-differential INPUTS=1000000` runs many and prints the table of
// docs/differential.md. The seed is printed and can be given.
package differential
