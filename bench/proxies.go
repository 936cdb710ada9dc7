package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// nginxConfig configures nginx as a careful operator would for speed: no access log, keep-alive on both sides without
// a limit of requests, bodies in memory rather than in temporary files. servers are the lines of its upstream.
func nginxConfig(workers int, daemon, scratch, listen, servers string) string {
	user := ""
	if os.Geteuid() == 0 {
		user = "user root;" // its workers must be able to open the peer's socket
	}
	return strings.NewReplacer("WORKERS", fmt.Sprint(workers), "USER", user, "DAEMON", daemon, "SCRATCH", scratch,
		"ADDRESS", listen, "SERVERS", servers).Replace(`USER
worker_processes WORKERS;
daemon DAEMON;
pid SCRATCH/pid;
error_log SCRATCH/error.log warn;
events { worker_connections 12000; }
http {
    access_log off;
    client_body_temp_path SCRATCH/body;
    proxy_temp_path SCRATCH/proxy;
    fastcgi_temp_path SCRATCH/fastcgi;
    uwsgi_temp_path SCRATCH/uwsgi;
    scgi_temp_path SCRATCH/scgi;
    tcp_nodelay on;
    keepalive_requests 1000000000;
    client_body_buffer_size 256k;
    client_max_body_size 16m;
    upstream peer {
        SERVERS
        keepalive 128;
        keepalive_requests 1000000000;
    }
    server {
        listen ADDRESS;
        location / {
            proxy_pass http://peer;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_buffers 16 64k;
            proxy_buffer_size 64k;
            proxy_busy_buffers_size 128k;
            proxy_max_temp_file_size 0;
        }
    }
}
`)
}

func startNginx(workers int, listenOptions string) func(*bench, *target) error {
	configure := func(b *bench, t *target, address, socket string) string {
		return nginxConfig(workers, "off", filepath.Join(b.work, t.Name+".d"), address+listenOptions, "server unix:"+socket+";")
	}
	start := startProxy(configure, func(file string) []string {
		return []string{command("nginx"), "-e", "stderr", "-c", file}
	})
	return func(b *bench, t *target) error {
		if err := os.MkdirAll(filepath.Join(b.work, t.Name+".d"), 0o755); err != nil {
			return err
		}
		return start(b, t)
	}
}

// startHAProxy configures HAProxy without logs and with connections to the peer shared by all clients.
func startHAProxy(threads int) func(*bench, *target) error {
	return startProxy(func(_ *bench, _ *target, address, socket string) string {
		return strings.NewReplacer("THREADS", fmt.Sprint(threads), "ADDRESS", address, "SOCKET", socket).Replace(`global
    nbthread THREADS
    maxconn 2000
defaults
    mode http
    no log
    option http-keep-alive
    http-reuse always
    timeout connect 5s
    timeout client 120s
    timeout server 120s
frontend client
    bind ADDRESS
    default_backend peer
backend peer
    server peer unix@SOCKET pool-max-conn 128
`)
	}, func(file string) []string { return []string{command("haproxy"), "-db", "-f", file} })
}

// command finds a program that Debian may have put where only root's PATH looks.
func command(name string) string {
	if path, err := exec.LookPath(name); err == nil {
		return path
	}
	if path := filepath.Join("/usr/sbin", name); exists(path)() {
		return path
	}
	return name
}
