using System.Collections.Immutable;
using System.Reflection.Emit;
using System.Reflection.Metadata;
using System.Reflection.Metadata.Ecma335;
using System.Reflection.PortableExecutable;

namespace Backhaul.Architecture.Tests;

/// <summary>One use of a type or a member by a type of the node.</summary>
/// <param name="User">The outermost type that uses it: lambdas, iterators and state machines count as their owner's.</param>
/// <param name="Type">Full name of the used type, without generic arity.</param>
/// <param name="Member">The used member; null for a mere mention of the type.</param>
internal sealed record Use(TypeName User, TypeName Type, string? Member);

/// <summary>A type's name in two parts.</summary>
internal sealed record TypeName(string Namespace, string Name)
{
    public override string ToString() => Namespace.Length == 0 ? Name : $"{Namespace}.{Name}";
}

/// <summary>
/// What the compiled node really uses: base types, interfaces, fields, signatures, locals, attributes and every instruction of every
/// body. Read from the file's metadata, so that nothing of it runs and nothing escapes by being called indirectly through `var`.
/// </summary>
internal sealed class NodeAssembly
{
    private static readonly Lazy<NodeAssembly> Loaded = new(() => new NodeAssembly(Path.Combine(AppContext.BaseDirectory, "Backhaul.Node.dll")));
    private static readonly Dictionary<int, OperandType> Operands = typeof(OpCodes).GetFields()
        .Select(field => (OpCode)field.GetValue(null)!).ToDictionary(code => code.Value & 0xffff, code => code.OperandType);

    private readonly MetadataReader _metadata;
    private readonly PEReader _image;
    private readonly HashSet<Use> _uses = [];
    private readonly List<Use> _constructions = [];

    private NodeAssembly(string path)
    {
        _image = new PEReader(File.OpenRead(path));
        _metadata = _image.GetMetadataReader();
        foreach (var handle in _metadata.TypeDefinitions)
            ReadType(handle);
    }

    public static NodeAssembly Instance => Loaded.Value;

    public IReadOnlySet<Use> Uses => _uses;

    /// <summary>Every <c>new</c> of a type of another assembly, one entry for each place.</summary>
    public IReadOnlyList<Use> Constructions => _constructions;

    /// <summary>Uses of the node's own types by its own types, compiler-made helpers left out.</summary>
    public IEnumerable<Use> Internal => _uses.Where(use => IsOfNode(use.User) && IsOfNode(use.Type) && use.User != use.Type);

    public IEnumerable<TypeName> Types => _metadata.TypeDefinitions.Select(handle => OutermostName(handle)).Distinct().Where(IsOfNode);

    public static bool IsOfNode(TypeName type) =>
        (type.Namespace == "Backhaul.Node" || type.Namespace.StartsWith("Backhaul.Node.", StringComparison.Ordinal)) && !type.Name.StartsWith('<');

    private void ReadType(TypeDefinitionHandle handle)
    {
        var user = OutermostName(handle);
        var type = _metadata.GetTypeDefinition(handle);
        Mention(user, type.BaseType);
        foreach (var implemented in type.GetInterfaceImplementations())
            Mention(user, _metadata.GetInterfaceImplementation(implemented).Interface);
        foreach (var attribute in type.GetCustomAttributes())
            Token(user, _metadata.GetCustomAttribute(attribute).Constructor, construction: false);
        foreach (var field in type.GetFields())
            Mention(user, _metadata.GetFieldDefinition(field).DecodeSignature(TypeNames.Decoder, null));
        foreach (var method in type.GetMethods())
            ReadMethod(user, _metadata.GetMethodDefinition(method));
    }

    private void ReadMethod(TypeName user, MethodDefinition method)
    {
        var signature = method.DecodeSignature(TypeNames.Decoder, null);
        Mention(user, signature.ReturnType);
        foreach (var parameter in signature.ParameterTypes)
            Mention(user, parameter);
        foreach (var attribute in method.GetCustomAttributes())
            Token(user, _metadata.GetCustomAttribute(attribute).Constructor, construction: false);
        if (method.RelativeVirtualAddress == 0)
            return;
        var body = _image.GetMethodBody(method.RelativeVirtualAddress);
        if (!body.LocalSignature.IsNil)
        {
            foreach (var local in _metadata.GetStandaloneSignature(body.LocalSignature).DecodeLocalSignature(TypeNames.Decoder, null))
                Mention(user, local);
        }
        foreach (var region in body.ExceptionRegions.Where(region => region.Kind == ExceptionRegionKind.Catch))
            Mention(user, region.CatchType);
        ReadInstructions(user, body.GetILReader());
    }

    private void ReadInstructions(TypeName user, BlobReader code)
    {
        while (code.RemainingBytes > 0)
        {
            int value = code.ReadByte();
            if (value == 0xfe)
                value = 0xfe00 | code.ReadByte();
            switch (Operands[value])
            {
                case OperandType.InlineNone:
                    break;
                case OperandType.ShortInlineBrTarget or OperandType.ShortInlineI or OperandType.ShortInlineVar:
                    code.ReadByte();
                    break;
                case OperandType.InlineVar:
                    code.ReadInt16();
                    break;
                case OperandType.InlineI8 or OperandType.InlineR:
                    code.ReadInt64();
                    break;
                case OperandType.InlineSwitch:
                    var targets = code.ReadInt32();
                    code.Offset += 4 * targets;
                    break;
                case OperandType.InlineField or OperandType.InlineMethod or OperandType.InlineTok or OperandType.InlineType:
                    Token(user, MetadataTokens.EntityHandle(code.ReadInt32()), construction: value == OpCodes.Newobj.Value);
                    break;
                default:
                    code.ReadInt32();
                    break;
            }
        }
    }

    private void Token(TypeName user, EntityHandle handle, bool construction)
    {
        switch (handle.Kind)
        {
            case HandleKind.MethodDefinition:
                var method = _metadata.GetMethodDefinition((MethodDefinitionHandle)handle);
                _uses.Add(new Use(user, OutermostName(method.GetDeclaringType()), _metadata.GetString(method.Name)));
                break;
            case HandleKind.FieldDefinition:
                var field = _metadata.GetFieldDefinition((FieldDefinitionHandle)handle);
                _uses.Add(new Use(user, OutermostName(field.GetDeclaringType()), _metadata.GetString(field.Name)));
                break;
            case HandleKind.MemberReference:
                var member = _metadata.GetMemberReference((MemberReferenceHandle)handle);
                var name = _metadata.GetString(member.Name);
                var owners = NamesOf(member.Parent);
                if (construction)
                    _constructions.Add(new Use(user, owners[0], name));
                foreach (var (position, owner) in owners.Index())
                    _uses.Add(new Use(user, owner, position == 0 ? name : null));
                MentionSignature(user, member);
                break;
            case HandleKind.MethodSpecification:
                var specification = _metadata.GetMethodSpecification((MethodSpecificationHandle)handle);
                Token(user, specification.Method, construction);
                foreach (var argument in specification.DecodeSignature(TypeNames.Decoder, null))
                    Mention(user, argument);
                break;
            default:
                Mention(user, handle);
                break;
        }
    }

    private void MentionSignature(TypeName user, MemberReference member)
    {
        if (member.GetKind() == MemberReferenceKind.Field)
        {
            Mention(user, member.DecodeFieldSignature(TypeNames.Decoder, null));
            return;
        }
        var signature = member.DecodeMethodSignature(TypeNames.Decoder, null);
        Mention(user, signature.ReturnType);
        foreach (var parameter in signature.ParameterTypes)
            Mention(user, parameter);
    }

    private void Mention(TypeName user, EntityHandle handle) => Mention(user, NamesOf(handle));

    private void Mention(TypeName user, ImmutableArray<TypeName> types)
    {
        foreach (var type in types)
            _uses.Add(new Use(user, type, null));
    }

    private ImmutableArray<TypeName> NamesOf(EntityHandle handle) => handle.IsNil ? [] : handle.Kind switch
    {
        HandleKind.TypeDefinition => [OutermostName((TypeDefinitionHandle)handle)],
        HandleKind.TypeReference => [TypeNames.OfReference(_metadata, (TypeReferenceHandle)handle)],
        HandleKind.TypeSpecification => _metadata.GetTypeSpecification((TypeSpecificationHandle)handle).DecodeSignature(TypeNames.Decoder, null),
        HandleKind.MethodDefinition => [OutermostName(_metadata.GetMethodDefinition((MethodDefinitionHandle)handle).GetDeclaringType())],
        _ => [],
    };

    private TypeName OutermostName(TypeDefinitionHandle handle) => TypeNames.OfDefinition(_metadata, handle);
}
