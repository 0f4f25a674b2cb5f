package main

import (
	"errors"
	"fmt"
	"sync"
)

var errFunds = errors.New("insufficient funds")

type account struct {
	mu      sync.Mutex
	balance int
	history []string
}

type bank struct {
	accounts map[string]*account
	fee      int
}

func (a *account) withdraw(n int) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.balance < n {
		return fmt.Errorf("withdraw %d of %d: %w", n, a.balance, errFunds)
	}
	a.balance -= n
	a.history = append(a.history, fmt.Sprintf("-%d", n))
	return nil
}

func (a *account) deposit(n int) {
	a.mu.Lock()
	a.balance += n
	a.mu.Unlock()
}

func (b *bank) transfer(from, to string, n int) error {
	src, ok := b.accounts[from]
	if !ok {
		return fmt.Errorf("no account %q", from)
	}
	if err := src.withdraw(n + b.fee); err != nil {
		return err
	}
	b.accounts[to].deposit(n)
	return nil
}

func main() {
	b := &bank{map[string]*account{"a": {balance: 100}, "b": {}}, 1}
	fmt.Println(b.transfer("a", "b", 50))
	err := b.transfer("a", "b", 50)
	fmt.Println(err, errors.Is(err, errFunds))
	fmt.Println(b.transfer("x", "b", 1))
	var wg sync.WaitGroup
	for range 20 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			b.transfer("b", "a", 1)
		}()
	}
	wg.Wait()
	fmt.Println(b.accounts["a"].balance, b.accounts["b"].balance, b.accounts["a"].history[0])
}
