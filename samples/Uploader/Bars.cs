using Backhaul.Protocol;

namespace Backhaul.Samples.Uploader;

/// <summary>One bar for each file; where the output is not a terminal, one line for each that ended.</summary>
internal sealed class Bars(IReadOnlyCollection<string> names)
{
    private const int Width = 40;
    private readonly string[] _lines = [.. names.Select(name => $"{name,-24} waiting")];
    private readonly string[] _names = [.. names];
    private readonly Lock _gate = new();
    private bool _drawn;

    public IProgress<TaskProgress> Row(int row) => new Drawn(moved => Draw(row, Bar(moved)));

    public void End(int row, TaskView end)
    {
        Draw(row, end.Outcome == "succeeded" ? $"succeeded, {end.Progress.BytesSent:N0} bytes" : $"{end.Outcome}: {end.Error?.Message}");
        if (Console.IsOutputRedirected)
            Console.WriteLine(_lines[row]);
    }

    private static string Bar(TaskProgress moved)
    {
        var share = moved.TotalToSend is > 0 and var total ? (double)moved.BytesSent / total : 0;
        var full = (int)(Math.Clamp(share, 0, 1) * Width);
        var speed = moved.BytesPerSecond is { } bytes ? $"{bytes / 1024.0 / 1024:0.0} MiB/s" : "";
        return $"[{new string('#', full)}{new string('.', Width - full)}] {share,4:P0} {speed}";
    }

    private void Draw(int row, string text)
    {
        lock (_gate)
        {
            _lines[row] = $"{_names[row],-24} {text}";
            if (Console.IsOutputRedirected)
                return;
            if (_drawn)
                Console.Write($"\e[{_lines.Length}A");
            foreach (var line in _lines)
                Console.Write($"\e[2K{line}\n");
            _drawn = true;
        }
    }

    /// <summary>Reports at once, in order; <see cref="Progress{T}"/> would post them to the thread pool.</summary>
    private sealed class Drawn(Action<TaskProgress> draw) : IProgress<TaskProgress>
    {
        public void Report(TaskProgress value) => draw(value);
    }
}
