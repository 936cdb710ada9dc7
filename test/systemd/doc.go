// Package systemd runs the units of deploy/systemd under a systemd that is process 1 of a small Debian.
//
// Its tests need root and debootstrap, take minutes, and carry the build tag systemd: `make systemd-test`. The test program
// runs twice: outside it makes the root directory (build/_systemd) and boots it in namespaces of its own, without a
// network; inside, next to systemd, it is the tests. Everything ends with process 1.
package systemd
