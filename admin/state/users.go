package state

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"regexp"
	"time"
)

// A User is someone who may log in.
type User struct {
	Name    string
	Admin   bool // may do everything; Grants do not matter
	Created time.Time
	Grants  map[string]Permission // by table or area; "*" is every table that is not named
}

var userName = regexp.MustCompile(`^[\pL\pN][\pL\pN._@+-]{0,63}$`)

// AddUser adds a user with a password. The error is ErrTaken, a
// *PasswordError, or that of the database.
func (d *DB) AddUser(ctx context.Context, u User, password string) error {
	if !userName.MatchString(u.Name) {
		return fmt.Errorf("the name %q is not taken: it begins with a letter or a digit, and has at most 64 letters, digits and . _ @ + -", u.Name)
	}
	if err := checkPassword(u.Name, password); err != nil {
		return err
	}
	hash, err := d.hash(ctx, password)
	if err != nil {
		return err
	}
	tx, err := d.sql.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	res, err := tx.ExecContext(ctx, "INSERT INTO scarab_users (name, password, admin, created) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING", u.Name, hash, u.Admin, d.now().Unix())
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return errors.Join(err, ErrTaken)
	}
	if err := grant(ctx, tx, u); err != nil {
		return err
	}
	return tx.Commit()
}

func grant(ctx context.Context, tx *sql.Tx, u User) error {
	for target, p := range u.Grants {
		if _, err := tx.ExecContext(ctx, "INSERT INTO scarab_grants (name, target, permission) VALUES (?, ?, ?)", u.Name, target, p); err != nil {
			return err
		}
	}
	return nil
}

// SetGrants replaces what a user may do. It counts from the next request on.
func (d *DB) SetGrants(ctx context.Context, u User) error {
	tx, err := d.sql.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if err := one(tx.ExecContext(ctx, "UPDATE scarab_users SET admin = ? WHERE name = ?", u.Admin, u.Name)); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, "DELETE FROM scarab_grants WHERE name = ?", u.Name); err != nil {
		return err
	}
	if err := grant(ctx, tx, u); err != nil {
		return err
	}
	return tx.Commit()
}

// SetPassword replaces the password. End the sessions of the user too.
func (d *DB) SetPassword(ctx context.Context, name, password string) error {
	if err := checkPassword(name, password); err != nil {
		return err
	}
	hash, err := d.hash(ctx, password)
	if err != nil {
		return err
	}
	return one(d.sql.ExecContext(ctx, "UPDATE scarab_users SET password = ? WHERE name = ?", hash, name))
}

// RemoveUser removes a user. End the sessions of the user too.
func (d *DB) RemoveUser(ctx context.Context, name string) error {
	tx, err := d.sql.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if _, err := tx.ExecContext(ctx, "DELETE FROM scarab_grants WHERE name = ?", name); err != nil {
		return err
	}
	if err := one(tx.ExecContext(ctx, "DELETE FROM scarab_users WHERE name = ?", name)); err != nil {
		return err
	}
	return tx.Commit()
}

// one fails with ErrNoUser unless one row was changed.
func one(res sql.Result, err error) error {
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return errors.Join(err, ErrNoUser)
	}
	return nil
}

// Users returns all users, by name.
func (d *DB) Users(ctx context.Context) ([]User, error) {
	r, err := d.sql.QueryContext(ctx, "SELECT u.name, u.admin, u.created, g.target, g.permission FROM scarab_users AS u LEFT JOIN scarab_grants AS g ON g.name = u.name ORDER BY u.name, g.target")
	if err != nil {
		return nil, err
	}
	defer r.Close()
	var users []User
	for r.Next() {
		var u User
		var created int64
		var target *string
		var p *Permission
		if err := r.Scan(&u.Name, &u.Admin, &created, &target, &p); err != nil {
			return nil, err
		}
		if len(users) == 0 || users[len(users)-1].Name != u.Name {
			u.Created, u.Grants = time.Unix(created, 0).UTC(), map[string]Permission{}
			users = append(users, u)
		}
		if target != nil {
			users[len(users)-1].Grants[*target] = *p
		}
	}
	return users, r.Err()
}

// CheckPassword reports whether the user exists and has that password, and
// returns the name as it was added: names match whatever their case. It takes
// as long for a user who does not exist.
func (d *DB) CheckPassword(ctx context.Context, name, password string) (canonical string, ok bool, err error) {
	var hash string
	err = d.sql.QueryRowContext(ctx, "SELECT name, password FROM scarab_users WHERE name = ?", name).Scan(&canonical, &hash)
	if errors.Is(err, sql.ErrNoRows) {
		_, err := d.hash(ctx, password)
		return "", false, err
	}
	if err != nil {
		return "", false, err
	}
	if ok, err = d.matches(ctx, password, hash); !ok {
		return "", false, err
	}
	return canonical, true, nil
}

// HasUsers reports whether anyone can log in with a password.
func (d *DB) HasUsers(ctx context.Context) (has bool, err error) {
	err = d.sql.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM scarab_users)").Scan(&has)
	return has, err
}

// Permission returns what a user may do with a table or an area, and whether
// there is such a user.
func (d *DB) Permission(ctx context.Context, name, target string) (p Permission, known bool, err error) {
	var admin bool
	var own, all *Permission
	err = d.sql.QueryRowContext(ctx, `SELECT admin,
		(SELECT permission FROM scarab_grants WHERE name = u.name AND target = ?),
		(SELECT permission FROM scarab_grants WHERE name = u.name AND target = '*')
		FROM scarab_users AS u WHERE name = ?`, target, name).Scan(&admin, &own, &all)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return None, false, nil
	case err != nil:
		return None, false, err
	case admin:
		return Write, true, nil
	case own != nil:
		return *own, true, nil
	case all != nil && target != Sessions && target != Values && target != Audit:
		return *all, true, nil
	}
	return None, true, nil
}
