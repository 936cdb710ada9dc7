// Package containers builds the images of the Dockerfile and runs docker-compose.yml with a real Docker engine.
//
// Its tests need root, debootstrap, docker.io and docker-compose, take minutes, and carry the build tag containers:
// `make containers-test`. Images are built in one that base.sh makes, so that none has to be pulled.
package containers
