using System.Collections;
using System.Reflection;
using Microsoft.CodeAnalysis;

namespace ModelCompiler.Generator.Tests;

/// <summary>Walks everything reachable from a value that the driver keeps, and refuses what would keep a compilation alive.</summary>
internal static class CachedValueWalk
{
    private static readonly Type[] Forbidden = [typeof(ISymbol), typeof(Compilation), typeof(SyntaxNode), typeof(SyntaxTree), typeof(SemanticModel), typeof(Location), typeof(AdditionalText)];

    /// <summary>Number of objects reached.</summary>
    public static int AssertPlain(object root, string step)
    {
        HashSet<object> seen = new(ReferenceEqualityComparer.Instance);
        Visit(root, step, seen);
        return seen.Count;
    }

    private static void Visit(object? value, string path, HashSet<object> seen)
    {
        if (value is null || !seen.Add(value))
        {
            return;
        }

        Type type = value.GetType();
        Assert.False(Forbidden.Any(forbidden => forbidden.IsAssignableFrom(type)), $"{path} holds a {type}");
        if (type.IsPrimitive || type.IsEnum || value is string || value is Type)
        {
            return;
        }

        if (value is IEnumerable items)
        {
            foreach (object? item in items)
            {
                Visit(item, path + "[]", seen);
            }
        }

        for (Type? part = type; part is not null && part != typeof(object); part = part.BaseType)
        {
            foreach (FieldInfo field in part.GetFields(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly))
            {
                Visit(field.GetValue(value), $"{path}.{field.Name}", seen);
            }
        }
    }
}
