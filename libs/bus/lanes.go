// SPDX-License-Identifier: Apache-2.0

package bus

import "sync"

// lanes runs functions of one key in order and those of different keys in
// parallel, at most n at once.
type lanes struct {
	slots chan struct{}
	wg    sync.WaitGroup

	mu      sync.Mutex
	waiting map[string][]func() // guarded by mu; a key is present while its lane runs
}

func newLanes(n int) *lanes {
	return &lanes{slots: make(chan struct{}, n), waiting: map[string][]func(){}}
}

func (l *lanes) add(key string, f func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.wg.Add(1)
	queue, running := l.waiting[key]
	l.waiting[key] = append(queue, f)
	if !running {
		go l.run(key)
	}
}

func (l *lanes) run(key string) {
	l.slots <- struct{}{}
	defer func() { <-l.slots }()
	for {
		l.mu.Lock()
		queue := l.waiting[key]
		if len(queue) == 0 {
			delete(l.waiting, key)
			l.mu.Unlock()
			return
		}
		l.waiting[key] = queue[1:]
		l.mu.Unlock()
		queue[0]()
		l.wg.Done()
	}
}

func (l *lanes) wait() { l.wg.Wait() }
