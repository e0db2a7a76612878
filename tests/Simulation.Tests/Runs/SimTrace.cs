using System.Globalization;
using System.Text;

namespace Backhaul.Simulation.Tests.Runs;

/// <summary>
/// What happened in a run, line by line, and a hash of it: two runs of one seed are the same run when their hashes agree. The text is kept
/// only when somebody wants to read it; a failed seed is simply run again for that.
/// </summary>
internal sealed class SimTrace(Func<TimeSpan> now, bool keepsText)
{
    private readonly StringBuilder? _text = keepsText ? new StringBuilder() : null;
    private ulong _hash = 14695981039346656037UL;

    public long Lines { get; private set; }

    public string Hash => _hash.ToString("x16", CultureInfo.InvariantCulture);

    public string Text => _text?.ToString() ?? "";

    public void Line(string who, string what)
    {
        Lines++;
        var at = now().Ticks;
        for (var shift = 0; shift < 64; shift += 8)
            _hash = (_hash ^ (byte)(at >> shift)) * 1099511628211UL;
        Add(who);
        Add(what);
        _text?.Append(CultureInfo.InvariantCulture, $"{TimeSpan.FromTicks(at):hh\\:mm\\:ss\\.ffffff}  {who,-10} {what}\n");
    }

    /// <summary>For the reader only: not part of the hash.</summary>
    public void Note(string who, string what) =>
        _text?.Append(CultureInfo.InvariantCulture, $"{now():hh\\:mm\\:ss\\.ffffff}  {who,-10}   {what}\n");

    private void Add(string text)
    {
        foreach (var character in text)
            _hash = (_hash ^ character) * 1099511628211UL;
        _hash = (_hash ^ '\n') * 1099511628211UL;
    }
}
