// SPDX-License-Identifier: Apache-2.0

// Command hello is the smallest app worth deploying: it greets, says whether
// it is well, and can be made to work hard.
package main

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"
)

// version is what a visitor sees.
const version = "v1"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	server := &http.Server{Addr: ":" + cmp.Or(os.Getenv("PORT"), "8080"), Handler: handler(), ReadHeaderTimeout: 5 * time.Second}
	go func() {
		<-ctx.Done()
		grace, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		_ = server.Shutdown(grace)
	}()
	log.Printf("hello %s listens on %s", version, server.Addr)
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		log.Fatal(err)
	}
}

func handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", greet)
	mux.HandleFunc("GET /healthz", health)
	mux.HandleFunc("GET /work", work)
	return mux
}

func greet(w http.ResponseWriter, r *http.Request) {
	fmt.Fprintf(w, "%s from %s\n", greeting(r.URL.Query().Get("name")), version)
}

func greeting(name string) string { return "Hello, " + cmp.Or(name, "world") }

// health is what the readiness probe asks.
func health(w http.ResponseWriter, _ *http.Request) {
	w.WriteHeader(http.StatusOK)
}

// work keeps one core busy for ms milliseconds, at most a second.
func work(w http.ResponseWriter, r *http.Request) {
	ms, err := strconv.Atoi(cmp.Or(r.URL.Query().Get("ms"), "10"))
	if err != nil || ms < 0 || ms > 1000 {
		http.Error(w, "ms: want a number from 0 to 1000", http.StatusBadRequest)
		return
	}
	sum := sha256.Sum256(nil)
	for end := time.Now().Add(time.Duration(ms) * time.Millisecond); time.Now().Before(end); {
		sum = sha256.Sum256(sum[:])
	}
	fmt.Fprintf(w, "%x\n", sum[:4])
}
