using Backhaul.Protocol;
using Backhaul.Simulation.Tests.Delivery;

namespace Backhaul.Simulation.Tests.Workload;

/// <summary>What a client knows of one of its sessions.</summary>
internal sealed class SimBook(SimProfile profile)
{
    private const int Sets = 3;

    private int _restores;
    private int _set;

    public SimProfile Profile => profile;

    public bool IsOpen { get; set; }

    public bool IsPaused { get; set; }

    public List<TaskId> Tasks { get; } = [];

    /// <summary>The completion group that is being filled.</summary>
    public GroupName Set => GroupName.Parse($"k{_set}");

    /// <summary>Events up to here were handled.</summary>
    public long Seen { get; set; }

    public long Acknowledged { get; set; }

    /// <summary>Where the session's events begin now is not known: those that were acknowledged are gone.</summary>
    public bool IsLost { get; set; }

    /// <summary>It has been looked after once, at the end of the run.</summary>
    public bool IsSettled { get; set; }

    /// <summary>The open stream, if there is one.</summary>
    public SimStream? Stream { get; set; }

    public void NextSet() => _set = (_set + 1) % Sets;

    public bool IsBefore(int restores) => _restores != restores;

    /// <summary>The store was put back: what was seen may not have been.</summary>
    public void StartAnew(int restores)
    {
        _restores = restores;
        (IsOpen, Seen, Acknowledged, IsLost) = (false, 0, 0, true);
        Stream?.Leave();
        Stream = null;
        Tasks.Clear();
    }
}
