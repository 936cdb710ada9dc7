package envmap

import "context"

// SendFile is the type of "sendfile.SendAsync": it makes a part of the file at path the next part of the response body, as
// Env.SendFile does, and sends the head if it is unsent. count < 0 is the rest of the file. When it returns, the file is
// closed. Calls wait for each other.
type SendFile func(ctx context.Context, path string, offset, count int64) error

// sendPath is what "sendfile.SendAsync" does.
func (e Env) sendPath(ctx context.Context, path string, offset, count int64) error {
	file, err := openFile(path)
	if err != nil {
		return err
	}
	defer file.Close()
	if err := e.SendFile(ctx, file, offset, count); err != nil {
		return err
	}
	return e.Flush()
}
