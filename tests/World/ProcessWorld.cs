using System.Diagnostics.CodeAnalysis;

namespace Backhaul.World;

/// <summary>
/// A world of several processes on one thread: each has its own queue of ready work and its own clock, and may crash, be paused or sleep.
/// Which process goes next, and with which of its ready continuations, is drawn from the seed; time jumps to the next timer
/// when nothing is ready. The world's own time (<see cref="Elapsed"/>) is what really passes; processes see it through their clocks.
///
/// Rules as in <see cref="VirtualWorld"/>: nothing may leave the thread. Work that arrives from another one ends the run with the stack
/// that brought it (<see cref="LeftTheThreadException"/>), because nothing after it could be repeated.
/// </summary>
internal sealed class ProcessWorld(int seed)
{
    private const int StepsAtOneMomentMax = 500_000;

    private readonly Random _choice = new(seed);
    private readonly List<VirtualProcess> _processes = [];
    private readonly List<VirtualProcess> _ready = [];
    private readonly int _thread = Environment.CurrentManagedThreadId;
    private volatile string? _foreign;

    /// <summary>Since the world began, by no process's clock.</summary>
    public TimeSpan Elapsed { get; private set; }

    /// <summary>Steps run so far: the same seed gives the same number.</summary>
    public long Steps { get; private set; }

    /// <summary>0: each process runs its continuations in the order in which they became ready; 1: in any order.</summary>
    public double Disorder { get; init; } = 0.25;

    /// <summary>Called after every step, with the process that made it.</summary>
    public Action<VirtualProcess>? AfterStep { get; set; }

    public IReadOnlyList<VirtualProcess> Processes => _processes;

    public VirtualProcess NewProcess(string name, double rate = 1, TimeSpan wallSkew = default)
    {
        var process = new VirtualProcess(this, name, rate, wallSkew);
        _processes.Add(process);
        return process;
    }

    /// <summary>Runs what is ready and what becomes due, until a moment, or until <paramref name="isDone"/> (asked after each moment).</summary>
    public void RunUntil(TimeSpan until, Func<bool>? isDone = null)
    {
        while (true)
        {
            RunReady();
            if (isDone?.Invoke() == true)
                return;
            var next = TimeSpan.MaxValue;
            VirtualProcess? first = null;
            foreach (var process in _processes)
            {
                if (process.Clock.NextDue() is { } due && due < next)
                    (next, first) = (due, process);
            }
            if (next > until)
            {
                Elapsed = until > Elapsed ? until : Elapsed;
                return;
            }
            Elapsed = next > Elapsed ? next : Elapsed;
            first!.Clock.QueueDue();
        }
    }

    internal void CheckThread()
    {
        if (Environment.CurrentManagedThreadId != _thread)
            _foreign ??= Environment.StackTrace;
    }

    internal bool IsForeign => Environment.CurrentManagedThreadId != _thread;

    internal void SetReady(VirtualProcess process) => _ready.Add(process);

    internal void Forget(VirtualProcess process)
    {
        _processes.Remove(process);
        _ready.Remove(process);
    }

    internal void SetNotReady(VirtualProcess process) => _ready.Remove(process);

    [SuppressMessage("Security", "CA5394", Justification = "A seed must repeat the run.")]
    private void RunReady()
    {
        var steps = 0;
        while (_ready.Count > 0)
        {
            if (_foreign is { } stack)
                throw new LeftTheThreadException(stack);
            if (++steps > StepsAtOneMomentMax)
                throw new InvalidOperationException($"At {Elapsed} the processes run without end: {string.Join(", ", _ready.Select(process => $"{process.Name} ({process.DescribeNext()})"))}.");
            var process = _ready.Count == 1 ? _ready[0] : _ready[_choice.Next(_ready.Count)];
            var among = process.Waiting;
            var index = among > 1 && Disorder > 0 && _choice.NextDouble() < Disorder ? _choice.Next(among) : 0;
            Steps++;
            process.RunOne(index);
            AfterStep?.Invoke(process);
        }
        if (_foreign is { } late)
            throw new LeftTheThreadException(late);
    }
}

/// <summary>Work came from another thread than the world's: the run cannot be repeated.</summary>
internal sealed class LeftTheThreadException(string stack) : Exception($"Work came back from another thread, so the order is not the seed's any more:\n{stack}");
