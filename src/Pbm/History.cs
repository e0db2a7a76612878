namespace Backhaul.Pbm;

/// <summary>
/// The lines typed before, newest last, kept in a file of the user's. Bounded; a line equal to the one before it, and a line that
/// begins with a space, are not kept. A history that cannot be written is not worth an error: the shell works without.
/// </summary>
internal sealed class History
{
    public const int LinesMax = 1000;

    private readonly string? _path;
    private readonly List<string> _lines;

    private History(string? path, IEnumerable<string> lines)
    {
        _path = path;
        _lines = [.. lines];
    }

    public IReadOnlyList<string> Lines => _lines;

    public static History InMemory() => new(null, []);

    public static string? DefaultPath()
    {
        var state = Environment.GetEnvironmentVariable("XDG_STATE_HOME");
        if (string.IsNullOrEmpty(state) || !Path.IsPathFullyQualified(state))
        {
            var home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
            if (home.Length == 0)
                return null;
            state = Path.Combine(home, ".local", "state");
        }
        return Path.Combine(state, "backhaul", "pbm_history");
    }

    public static History Load(string? path)
    {
        try
        {
            return new History(path, path is not null && File.Exists(path) ? File.ReadLines(path).Where(l => l.Length > 0).TakeLast(LinesMax) : []);
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException)
        {
            return new History(null, []);
        }
    }

    public void Add(string line)
    {
        if (string.IsNullOrWhiteSpace(line) || line[0] == ' ' || (_lines.Count > 0 && _lines[^1] == line))
            return;
        _lines.Add(line);
        if (_lines.Count > LinesMax)
            _lines.RemoveRange(0, _lines.Count - LinesMax);
        Save();
    }

    private void Save()
    {
        if (_path is null)
            return;
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(_path)!);
            var mode = new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write };
            if (!OperatingSystem.IsWindows())
                mode.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
            var beside = $"{_path}.{Environment.ProcessId}";
            using (var file = new StreamWriter(beside, System.Text.Encoding.UTF8, mode))
            {
                foreach (var line in _lines)
                    file.WriteLine(line);
            }
            File.Move(beside, _path, overwrite: true);
        }
        catch (Exception unwritable) when (unwritable is IOException or UnauthorizedAccessException)
        {
            // Said in the summary above: the lines stay in memory.
            return;
        }
    }
}
