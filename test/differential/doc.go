// Package differential compares Ringway's HTTP/1.x code with two foreign parsers, net/http's and Node's llhttp, on generated
// and mutated bytes: streams of requests, message by message, and what becomes of a worker's answers.
//
// All are strict in other places, so differences are expected; each has to belong to a class of classes.tsv, which names the
// difference, the RFC clause and why Ringway's side of it is right. What belongs to a class is decided by a predicate over
// the raw bytes that is written without the parser. A difference without a class fails the test.
//
// The tests run a small number of inputs; `make native-differential INPUTS=1000000` runs many and prints the tables of
// docs/differential.md. The seed is printed and can be given.
package differential
